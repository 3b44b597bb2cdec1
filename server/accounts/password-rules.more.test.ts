// The same rules, with thousands of random passwords.
import './password-rules.test.ts'
