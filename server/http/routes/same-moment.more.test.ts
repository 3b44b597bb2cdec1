// The same moments, tried more often.
import './same-moment.test.ts'
