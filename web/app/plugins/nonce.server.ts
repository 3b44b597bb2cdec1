export { default } from '../../../module/runtime/app/nonce.server'
