// All that is refused, behind a large response too.
import './pipelining.test.ts'
