// The drill fails without any one of the rules.
import './drill.test.ts'
