export { default } from '../../../module/runtime/server/provide-context'
