// The same without JavaScript, and with more addresses.
import './tools-behind.test.ts'
