/** What the home page says of the notes, and where it leads besides. */
export default defineAppConfig({
  apps: {
    notes: {
      href: '/notes',
      title: 'demo.notes',
      description: 'demo.sample',
      more: { to: '/proof', text: 'demo.proof' },
    },
  },
})
