import messages from './en.json'

export default messages
