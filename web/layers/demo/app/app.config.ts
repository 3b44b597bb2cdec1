/** What the home page shows for Notes, and a link to /proof beside it. */
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
