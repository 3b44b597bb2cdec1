// The same pages, searched in every theme, language and width.
import './pages.test.ts'
