import {
  type AskedEvent,
  isMet,
  type ProofCheck,
  type ProofRun,
  type ProofScenario,
} from '../../contract/demo/wire-proof.ts'
import { createRecorder, type Recorder, type Site } from './recorder.ts'

/** Several times what a busy page in a few tabs would send at once. */
const STORM = 100
const TABS = 2

type Play = (site: Site, recorder: Recorder) => Promise<ProofCheck[]>

const PLAYS: Record<ProofScenario, Play> = { storm: storm, 'lost-answer': lostAnswer, thief: thief }

/** Runs one demonstration on a site and checks its results. */
export async function play(scenario: ProofScenario, site: Site): Promise<Omit<ProofRun, 'numbers'>> {
  const recorder = createRecorder(site)
  const checks = await PLAYS[scenario](site, recorder)
  const order = [...recorder.events].sort((a, b) => a.at - b.at)
  return { scenario, passed: checks.every(isMet), tookMs: recorder.now(), checks, events: order }
}

/** A page's requests at the instant when its access token expires: one renewal must serve them all. */
async function storm(site: Site, recorder: Recorder): Promise<ProofCheck[]> {
  const browser = await recorder.signIn()
  await recorder.untilExpiry(browser)
  const answers = await recorder.askAtOnce(browser, STORM)
  const row = await recorder.row()
  const after = await recorder.ask(browser)
  return [
    check('answered', STORM, signedIn(answers)),
    ...(site.ours ? [check('renewals', 1, generations(answers))] : []),
    ...(row === null ? [] : [check('row_generation', 2, row.generation)]),
    check('still_in', 1, signedIn([after])),
  ]
}

/** The server renewed and its response was lost: the browser can only ask again with what it has. */
async function lostAnswer(site: Site, recorder: Recorder): Promise<ProofCheck[]> {
  const browser = await recorder.signIn()
  await recorder.untilExpiry(browser)
  const lost = await recorder.askAndLose(browser)
  const committed = await recorder.row()
  await recorder.untilLater()
  const tabs = await recorder.askAtOnce(browser, TABS)
  const after = await recorder.ask(browser)
  return [
    check('lost', 1, lost ? 1 : 0),
    ...(committed === null ? [] : [check('committed', 2, committed.generation)]),
    check('let_in_again', TABS, signedIn(tabs)),
    ...(site.ours ? [check('renewals', 1, generations(tabs))] : []),
    check('still_in', 1, signedIn([after])),
  ]
}

/** Someone copied the cookies, the owner renewed, then the copy is used: the server cannot tell who is who. */
async function thief(site: Site, recorder: Recorder): Promise<ProofCheck[]> {
  const owner = await recorder.signIn()
  const other = recorder.copy(owner)
  const before: AskedEvent[] = []
  for (let renewal = 0; renewal < 2; renewal++) {
    await recorder.untilExpiry(owner)
    before.push(await recorder.ask(owner))
  }
  const stolen = await recorder.ask(other, 'thief')
  await recorder.row()
  const after = await recorder.ask(owner)
  return [
    check('owner_in', before.length, signedIn(before)),
    check('thief_in', 0, signedIn([stolen])),
    check('owner_in_after', 0, signedIn([after])),
    ...(site.ours
      ? [check('told_why', 2, [stolen, after].filter(({ reason }) => reason === 'refresh_reuse').length)]
      : []),
  ]
}

const check = (id: ProofCheck['id'], wanted: number, seen: number): ProofCheck => ({ id, wanted, seen })

function signedIn(answers: readonly AskedEvent[]): number {
  return answers.filter(({ answer }) => answer !== 'out' && answer !== 'cut' && answer !== 'failed').length
}

/** How many different refresh tokens were issued: two would fork the session. */
function generations(answers: readonly AskedEvent[]): number {
  return new Set(answers.map(({ given }) => given).filter(given => given !== null)).size
}
