// All of them, leaving in either way.
import './refused-sockets.test.ts'
