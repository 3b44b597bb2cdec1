import { describe, expect, test } from 'vitest'
import { varied } from '../../tests/support/varied.ts'
import { commonWords } from './common-words.ts'
import { createPasswordRules } from './password-rules.ts'

const ANN = { email: 'ann.long-address@example.org', name: 'Ann of the Long Name' }
const check = (password: string) =>
  createPasswordRules(
    {
      passwordMinLength: 15,
      publicUrl: 'https://porch.lamplight.example',
      brand: { name: 'Harbour Books' },
    },
    null,
  ).check(password, ANN)
const outcome = (password: string) =>
  check(password).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  )
/** Repeats a text to the minimum length. */
const long = (text: string) => text.repeat(Math.ceil(15 / [...text].length))

describe('NI-5 a well-known phrase is refused, however it is written:', () => {
  test.each([
    'correcthorsebatterystaple',
    'correct horse battery staple',
    'Correct-Horse-Battery-Staple',
    'CorrectHorseBatteryStaple1',
    'correct horse battery staple!',
    'c0rr3cth0rs3b@tt3ryst@pl3',
    'correcthorsebatterystaple2026',
    'correcthorsebattery',
    'horsebatterystaple',
    'elpatsyrettabesrohtcerroc',
    'correct.horse.battery.staple.',
    'staplebatteryhorsecorrect',
    'Correct Horse Battery Staple 123!',
    'thequickbrownfoxjumpsoverthelazydog',
    'The quick brown fox jumps over the lazy dog.',
    'thequickbrownfox1',
    'TheQuickBrownFoxJumps!',
    'maytheforcebewithyou',
    'May the Force be with you!',
    'To be, or not to be: that is the question.',
    'iloveyoutothemoonandback',
    'twinkletwinklelittlestar',
    'onceuponatime123',
    'supercalifragilisticexpialidocious',
    'inthebeginningwastheword',
    'loremipsumdolorsitamet',
    'nevergonnagiveyouup',
    'thisismypassword1',
    'happybirthdaytoyou',
    'franzjagtimkomplettverwahrlostentaxi',
    'Ich liebe dich über alles',
    'portezcevieuxwhiskyaujugeblondquifume',
    'Liberté, égalité, fraternité',
    'enunlugardelamancha',
    'nelmezzodelcammindinostravita',
    'съешьжеещёэтихмягкихфранцузскихбулок',
    'я тебя люблю я тебя люблю',
    'ялюблютебяялюблютебя',
    'Мой дядя самых честных правил',
    'слава україні героям слава',
    '床前明月光疑是地上霜举头望明月',
    '床前明月光，疑是地上霜，举头望明月',
    '好好学习天天向上好好学习天天向上',
    'haohaoxuexitiantianxiangshang',
    'chuangqianmingyueguang',
    '我爱北京天安门我爱北京天安门2',
    'いろはにほへとちりぬるをわかよたれそ',
    'イロハニホヘトチリヌルヲワカヨタレソ',
    '吾輩は猫である、名前はまだない。',
    '동해물과 백두산이 마르고 닳도록',
    '무궁화 꽃이 피었습니다!!!',
    'بسم الله الرحمن الرحيم',
    'bismillahirrahmanirrahim',
    'πάτερ ημών ο εν τοις ουρανοίς',
    'वन्दे मातरम् वन्दे मातरम्',
  ])('%s', async password => {
    expect(await outcome(password)).toBe('password_common')
  })
})

describe('NI-5 common words of other languages are refused, also repeated, joined and with numbers:', () => {
  test.each(
    [
      'woaini5201314woaini',
      'woaini5201314520',
      'woaini1314520',
      'woaini5201314!',
      'WoAiNi5201314abc',
      'nihaonihaonihao',
      'zhongguo123456789',
      'aini1314aini1314',
      'mima123456mima',
      'woaizhongguo888888',
      'laopo5201314laopo',
      '我爱你',
      '我爱你5201314',
      '我爱你一生一世',
      '密码123456',
      '中国',
      '我的密码',
      '生日快乐',
      '老婆我爱你',
      '我愛你',
      '一二三四五六七八九十',
      'пароль',
      'Пароль123',
      'пароль_пароль_',
      'привет',
      'любовь',
      'солнышко',
      'спартак1922',
      'мойпароль',
      'пароль2026!',
      'приветпароль',
      'gfhjkm',
      'gfhjkm12345',
      'ghbdtnghbdtn',
      'зфыыцщкв',
      'йцукен',
      'кохання',
      'паролапарола1',
      'パスワード',
      'ぱすわーど123',
      'ありがとう',
      '愛してる',
      'aishiteru',
      '비밀번호',
      '사랑해',
      '비밀번호1234',
      'qlalfqjsgh',
      'saranghae',
      '대한민국',
      '안녕하세요',
      'passwort',
      'Passwort123',
      'ichliebedich',
      'motdepasse',
      'jetaime',
      'azertyazerty',
      'contraseña',
      'Contraseña2026',
      'tequieromucho',
      'minhasenha',
      'seniseviyorum',
      'galatasaray1905',
      'şifre',
      'hasło',
      'matkhau',
      'akucintakamu',
      'κωδικός',
      'σαγαπώ',
      'כלסיסמה',
      'סיסמה',
      'كلمةالسر',
      'محمد',
      'حبيبي',
      'पासवर्ड',
      'รหัสผ่าน',
    ].map(long),
  )('%s', async password => {
    expect(await outcome(password)).toBe('password_common')
  })
})

describe('NI-5 a walk over the keys of any keyboard, or the order of any alphabet, is refused:', () => {
  test.each([
    'йцукен123456789',
    'йцукенгшщзхъфывапролджэ',
    'фывапролджэячсмитьбю',
    'ЙЦУКЕНгшщзхъ123',
    'ъхзщшгнекуцй9876',
    '1й2ц3у4к5е6н7г8ш',
    '1йфя2цыч3увс4кам',
    'йфяцычувскамепи',
    'йцукенйцукенйцукен',
    'фівапролджєячсмить',
    'явертъуиопасдфгхйкл',
    'љњертзуиопасдфгхј',
    'ςερτυθιοπασδφγηξκλ',
    'קראטוןםפשדגכעיח',
    'ضصثقفغعهخحجدشسيبلا',
    'ضصثقفغعهخحجچشسیبل',
    'ๆไำพะัีรนยบลฟหกดเ้่าสวง',
    'ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎ',
    'ㅂㅈㄷㄱ쇼ㅕㅑㅐㅔㅁㄴㅇㄹ호ㅓㅏㅣ',
    'ぬふあうえおやゆよわたていすかん',
    'たていすかんなにらせちとしはき',
    'タテイスカンナニラセチトシハキ',
    'aoeuidhtnsaoeuidhtns',
    'qwfpgjluyqwfpgjluy',
    'azertyuiopqsdfghjklm',
    'qwertzuiopasdfghjkl',
    '²1234567890azerty',
    "',.pyfgcrlaoeuidhtns",
    'абвгдежзийклмнопрст',
    'αβγδεζηθικλμνξοπρ',
    'אבגדהוזחטיכלמנס',
    'あいうえおかきくけこさしすせそ',
    '가나다라마바사아자차카타파하가',
    'ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㄱ',
    '一二三四五六七八九十一二三四五',
    '١٢٣٤٥٦٧٨٩٠١٢٣٤٥',
    '१२३४५६७८९०१२३४५',
    '１２３４５６７８９０１２３４５',
  ])('%s', async password => {
    expect(await outcome(password)).toBe('password_common')
  })
})

/** Pseudo-random and reproducible. */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const EVERYDAY =
  'apple anchor basket bridge butter candle castle cherry circle coffee copper corner cotton desert dinner doctor dragon engine family farmer feather finger flower forest garden giraffe guitar hammer harbor honey island jacket jungle kettle kitchen ladder lantern lemon letter lizard marble market meadow mirror monkey mountain museum needle ocean orange oyster paper parrot pencil pepper piano pillow pirate planet pocket potato rabbit ribbon river rocket saddle salmon school shadow silver spider spring station stone summer sunset table teacher thunder ticket tiger tomato tunnel turtle umbrella valley velvet violin wagon walnut water whale window winter wizard yellow zebra'.split(
    ' ',
  )

describe('a password that is hard to guess is accepted:', () => {
  const phrases = varied(400, 2000)
  test(`${phrases} phrases of four different random words from the most common ones, however they are joined`, async () => {
    const ranks = await commonWords()
    const common = [...ranks.keys()].filter(word => /^[a-z]{4,9}$/.test(word)).slice(500, 8000)
    const pick = random(20_261_128)
    const refused: string[] = []
    for (let n = 0; n < phrases; n++) {
      const words = n % 2 === 0 ? EVERYDAY : common
      const drawn = new Set<string>()
      while (drawn.size < 4) drawn.add(words[pick(words.length)] ?? '')
      const phrase = [...drawn].join(['', ' ', '-', '.'][pick(4)])
      if (phrase.length >= 15 && (await outcome(phrase)) !== 'accepted') refused.push(phrase)
    }
    expect(refused).toEqual([])
  }, 60_000)

  const passwords = varied(100, 500)
  test.each<[string, string, number]>([
    ['lower-case letters', 'abcdefghijklmnopqrstuvwxyz', 15],
    ['digits', '0123456789', 20],
    ['letters and digits', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 15],
    [
      'all that is on the keys',
      '!"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~',
      16,
    ],
    ['hexadecimal digits', '0123456789abcdef', 32],
    ['Cyrillic letters', 'абвгдежзийклмнопрстуфхцчшщъыьэюя', 15],
    ['kana', 'あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん', 15],
  ])(
    `${passwords} generated passwords: %s`,
    async (_what, signs, length) => {
      const pick = random(7)
      const all = [...signs]
      const refused: string[] = []
      for (let n = 0; n < passwords; n++) {
        const password = Array.from({ length }, () => all[pick(all.length)]).join('')
        if ((await outcome(password)) !== 'accepted') refused.push(password)
      }
      expect(refused).toEqual([])
    },
    60_000,
  )

  test.each([
    'a violin under seven umbrellas',
    'meadow-copper-giraffe-tuesday',
    '昨天邻居家的猫在屋顶上唱歌给月亮听',
    'наш сосед кормит ежа сыром',
    'となりのねこはよるにさかなをかぞえる',
    '우리집고양이는밤마다물고기를센다',
    'der Igel trägt heute rote Socken',
    'le hérisson porte des bottes bleues',
  ])('%s', async password => {
    expect(await outcome(password)).toBe('accepted')
  })
})
