import js from '@eslint/js'
import prettier from 'eslint-config-prettier'
import vue from 'eslint-plugin-vue'
import globals from 'globals'
import ts from 'typescript-eslint'

// `$fetch` during a render is a real HTTP call that carries no session; `useFetch` goes in-process.
const bareFetch = 'Use useFetch or useRequestFetch(): a bare $fetch in setup reaches the server without the session.'
const browserStorage = 'Nothing of ours is kept where JavaScript can read it.'

export default ts.config(
  { ignores: ['dist/', '**/node_modules', '**/.nuxt', '**/.output', 'drizzle/meta', 'data', 'coverage', '.cache'] },
  // What the documentation is built from and into.
  { ignores: ['docs/site/.pages', 'docs/site/.vitepress/cache', 'docs/site/.vitepress/dist'] },
  // Applications as their own frameworks make them.
  { ignores: ['tests/apps/*/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...vue.configs['flat/recommended'],
  { files: ['**/*.ts', '**/*.js', '**/*.mjs'], languageOptions: { globals: globals.node } },
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: ts.parser }, globals: globals.browser } },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // Time comes in through a Clock or as `now`: decisions are tested with numbers, not with fake timers.
    files: ['server/**/*.ts'],
    ignores: ['server/base/clock.ts', '**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock, or `now` as a parameter.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'Take a Clock, or `now` as a parameter.',
        },
      ],
    },
  },
  {
    files: ['web/app/**/*.vue', 'web/app/**/*.ts', 'web/layers/*/app/**/*.vue', 'web/layers/*/app/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'CallExpression[callee.name="$fetch"]:not(:function *)', message: bareFetch },
        {
          selector:
            'FunctionDeclaration[id.name=/^use[A-Z]/] CallExpression[callee.name="$fetch"]:not(:function :function *)',
          message: bareFetch,
        },
      ],
      'no-restricted-globals': [
        'error',
        { name: 'localStorage', message: browserStorage },
        { name: 'sessionStorage', message: browserStorage },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'document', property: 'cookie', message: browserStorage },
        { object: 'window', property: 'localStorage', message: browserStorage },
        { object: 'window', property: 'sessionStorage', message: browserStorage },
      ],
    },
  },
  {
    // It reads where scripts can keep things, to show that nothing of ours is there.
    files: ['web/layers/demo/app/utils/token-search.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
  {
    // Nuxt generates the declarations of its auto-imports; vue-tsc knows them, so an undefined name is its business.
    files: ['**/*.ts', '**/*.vue'],
    rules: { 'no-undef': 'off' },
  },
  // Last: Prettier says how code is laid out, so no rule does.
  prettier,
)
