// Crowds of every kind.
import './password-crowd.test.ts'
