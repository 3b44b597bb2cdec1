export { getUserSession, requireUserSession } from '../../../module/runtime/server/session'
