import messages from './zh-CN.json'

export default messages
