export { tellOtherTabs } from '../../../module/runtime/app/tabs'
