// The drill, failing for want of each rule.
import './drill.test.ts'
