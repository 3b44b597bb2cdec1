export interface Toast {
  text: string
  tone: 'good' | 'bad'
}

/** The latest result, shown at the foot of the window. */
export function useToast() {
  const toast = useState<Toast | null>('toast', () => null)
  return {
    toast,
    say: (text: string, tone: Toast['tone'] = 'good') => {
      toast.value = { text, tone }
    },
  }
}
