export interface Toast {
  text: string
  tone: 'good' | 'bad'
}

/** The last thing that happened, said once, at the foot of the page. */
export function useToast() {
  const toast = useState<Toast | null>('toast', () => null)
  return {
    toast,
    say: (text: string, tone: Toast['tone'] = 'good') => {
      toast.value = { text, tone }
    },
  }
}
