// Roles that a provider leaves open in every way.
import './recheck.test.ts'
