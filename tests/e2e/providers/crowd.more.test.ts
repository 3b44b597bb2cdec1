// Crowds of every kind.
import './crowd.test.ts'
