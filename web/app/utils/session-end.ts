export { waitUntilEnd } from '../../../module/runtime/app/session-end'
