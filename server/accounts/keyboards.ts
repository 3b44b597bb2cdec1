/**
 * Keyboards as rows of keys, with the same key at the same index in each. Keyboard walks are derived from these by
 * rule.
 */
const DIGITS = '1234567890'
const QWERTY = [DIGITS, 'qwertyuiop[]', "asdfghjkl;'", 'zxcvbnm,./']
const SHIFTED = '!@#$%^&*()_+'

const LAYOUTS = [
  QWERTY,
  [DIGITS, 'qwertzuiop', 'asdfghjkl', 'yxcvbnm'],
  [DIGITS, 'azertyuiop', 'qsdfghjklm', 'wxcvbn'],
  [DIGITS, "',.pyfgcrl", 'aoeuidhtns', ';qjkxbmwvz'],
  [DIGITS, 'qwfpgjluy', 'arstdhneio', 'zxcvbkm'],
  // Russian, Ukrainian, Bulgarian (by sound, and the standard), Serbian, Greek
  [DIGITS, 'йцукенгшщзхъ', 'фывапролджэ', 'ячсмитьбю.'],
  [DIGITS, 'йцукенгшщзхї', 'фівапролджє', 'ячсмитьбю.'],
  [DIGITS, 'явертъуиопшщ', 'асдфгхйкл', 'зьцжбнм'],
  [DIGITS, ',уеишщксдзц', 'ьяаожгтнвмч', 'юйъэфхпрлб'],
  [DIGITS, 'љњертзуиопшђ', 'асдфгхјклчћ', 'ѕџцвбнм'],
  [DIGITS, ';ςερτυθιοπ', 'ασδφγηξκλ', 'ζχψωβνμ'],
  // Hebrew, Arabic, Persian
  [DIGITS, "/'קראטוןםפ", 'שדגכעיחלךף,', 'זסבהנמצתץ.'],
  [DIGITS, 'ضصثقفغعهخحجد', 'شسيبلاتنمكط', 'ئءؤرىةوزظ'],
  [DIGITS, 'ضصثقفغعهخحجچ', 'شسیبلاتنمکگ', 'ظطزرذدپو'],
  // Thai, Hindi
  ['ๅภถุึคตจขช', 'ๆไำพะัีรนยบล', 'ฟหกดเ้่าสวง', 'ผปแอิืทมใฝ'],
  [DIGITS, 'ौैाीूबहगदजड', 'ोे्िुपरकतचट', 'ंमनवलसय'],
  // Japanese by kana, Korean
  ['ぬふあうえおやゆよわ', 'たていすかんなにらせ', 'ちとしはきくまのりれけ', 'つさそひこみもねるめ'],
  [DIGITS, 'ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ', 'ㅁㄴㅇㄹㅎㅗㅓㅏㅣ', 'ㅋㅌㅊㅍㅠㅜㅡ'],
]

/** Alphabets and numerals in their own order where code points do not follow it. */
const ORDERS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  '一二三四五六七八九十',
  '零一二三四五六七八九',
  '甲乙丙丁戊己庚辛壬癸',
  '子丑寅卯辰巳午未申酉戌亥',
  'ابتثجحخدذرزسشصضطظعغفقكلمنهوي',
  'あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん',
  'ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ',
  'ㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣ',
  '가나다라마바사아자차카타파하',
  'абвгґдеєжзиіїйклмнопрстуфхцчшщьюя',
]

/** Hangul as the keys typed for it: final consonants are the initial ones, and compounds are two keys. */
const JAMO = new Map(
  'ᆨᄀ ᆩᄁ ᆪᄀᄉ ᆫᄂ ᆬᄂᄌ ᆭᄂᄒ ᆮᄃ ᆯᄅ ᆰᄅᄀ ᆱᄅᄆ ᆲᄅᄇ ᆳᄅᄉ ᆴᄅᄐ ᆵᄅᄑ ᆶᄅᄒ ᆷᄆ ᆸᄇ ᆹᄇᄉ ᆺᄉ ᆻᄊ ᆼᄋ ᆽᄌ ᆾᄎ ᆿᄏ ᇀᄐ ᇁᄑ ᇂᄒ ᅪᅩᅡ ᅫᅩᅢ ᅬᅩᅵ ᅯᅮᅥ ᅰᅮᅦ ᅱᅮᅵ ᅴᅳᅵ'
    .split(' ')
    .map(one => [one.charAt(0), one.slice(1)]),
)
/** The code points of each script's zero. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0]

/** Folds case, accents, width, kana type and a script's own digits, none of which makes a password harder to guess. */
export function fold(text: string): string {
  const plain = text.normalize('NFKD').toLowerCase()
  if (/^[\x20-\x7e]*$/.test(plain)) return plain
  return (
    plain
      // A separate letter, far from the one without the breve on every keyboard.
      .replaceAll('и\u0306', 'й')
      .replaceAll(/\p{M}/gu, '')
      .replaceAll(/[ァ-ヶ]/g, kana => String.fromCharCode(kana.charCodeAt(0) - 0x60))
      .replaceAll(/[\u1161-\u11ff]/g, jamo => JAMO.get(jamo) ?? jamo)
      .replaceAll(/(?![0-9])\p{Nd}/gu, digit => {
        const zero = ZEROS.find(from => digit.charCodeAt(0) >= from && digit.charCodeAt(0) < from + 10)
        return zero === undefined ? digit : String(digit.charCodeAt(0) - zero)
      })
  )
}

const reversed = (text: string) => [...text].reverse().join('')

/** The `n`th keys of all rows, column by column; `turning`: alternately down and up. */
function columns(rows: readonly (readonly string[])[], turning: boolean): string {
  const width = Math.max(...rows.map(row => row.length))
  return Array.from({ length: width }, (_, n) => {
    const column = rows.map(row => row[n] ?? '').join('')
    return turning && n % 2 === 1 ? reversed(column) : column
  }).join('')
}

/** The rows, and every two, three or four adjacent rows read by columns. */
function walksOf(layout: readonly string[]): string[] {
  const rows = layout.map(row => [...row].map(fold))
  const letters = layout.map(row => [...row.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '')].map(fold))
  const walks = [letters.flat().join(''), ...rows.map(row => row.join(''))]
  for (const from of [0, 1, 2]) {
    for (let to = from + 2; to <= rows.length; to++)
      walks.push(columns(rows.slice(from, to), false), columns(rows.slice(from, to), true))
  }
  return walks
}

/** Forwards and backwards, one per line, so that a walk is a substring. */
const lines = (walks: string[]) => walks.flatMap(walk => [walk, reversed(walk)]).join('\n')
const COMMONEST = lines([...ORDERS.map(fold), SHIFTED, ...walksOf(QWERTY)])
const OTHERS = lines(LAYOUTS.slice(1).flatMap(walksOf))
/** Three adjacent keys of some keyboard may be coincidence. */
const SHORTEST_OF_OTHERS = 4

/** Whether folded text follows the keys of some keyboard, or the order of an alphabet. */
export function isWalk(piece: string): boolean {
  return COMMONEST.includes(piece) || (piece.length >= SHORTEST_OF_OTHERS && OTHERS.includes(piece))
}

/** Layouts on which words of one script are typed, by mistake or on purpose, with another one active. */
const OTHER_SCRIPTS = LAYOUTS.slice(5).map(
  layout =>
    new Map(
      layout.flatMap((row, n) => {
        const keys = [...(QWERTY[n] ?? '')]
        return [...row].map((sign, place): [string, string] => [fold(sign), keys[place] ?? sign])
      }),
    ),
)

/** The same keys typed on a Latin layout: `зфыыцщкв` is `password`. */
export function latinKeys(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return []
  const read = OTHER_SCRIPTS.map(keys => [...text].map(sign => keys.get(sign) ?? sign).join(''))
  return [...new Set(read)].filter(one => one.length === text.length && /^[\x20-\x7e]*$/.test(one))
}
