// One strict reading of where to go after a sign-in, for the server and the site alike (OA-1).
export { safeReturnTo } from '../../../server/contract/return-to.ts'
