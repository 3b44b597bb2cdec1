export { onOtherTab, tellOtherTabs } from '../../../module/runtime/app/tabs'
