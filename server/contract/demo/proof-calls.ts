import * as v from 'valibot'
import { type Calls, json } from '../calls/call.ts'
import { ProofAnswer, ProofRun, ProofScenario } from './wire-proof.ts'

export const PROOF_CALLS = {
  'GET /auth/proof': {
    tag: 'Demo',
    id: 'listDemonstrations',
    summary: 'List the demonstrations',
    caller: 'user',
    answers: { 200: json(ProofAnswer, 'Their names.') },
  },
  'POST /auth/proof/:scenario': {
    tag: 'Demo',
    id: 'runDemonstration',
    summary: 'Run a demonstration',
    caller: 'user',
    path: { scenario: v.pipe(ProofScenario, v.description('The name of one')) },
    answers: { 200: json(ProofRun, 'What happened, and what was to happen.') },
    problems: ['busy'],
  },
} satisfies Calls
