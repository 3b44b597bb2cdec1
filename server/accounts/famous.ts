import { fold, latinKeys } from './keyboards.ts'

/** What the list of common passwords lacks: it knows little but English. Words and phrases that people of a language try first,
 * grouped so that a speaker can add to them. Spaces are for reading. */
const WORDS = [
  // English
  'password, passphrase, administrator, letmein, iloveyou, welcome, sunshine, princess, football, changeme, whatever, trustno1, hunter2, helloworld',
  // Chinese, by sound, by numbers that sound like words, and written
  'woaini, woainima, aini, woyaoni, nihao, nihaoma, woshishui, woshini, wobuzhidao, mima, zhongguo, woaizhongguo, beijing, shanghai, laopo, laogong, baobao, baobei, qinaide, xiaobao, zhangwei, wangwei, wangfang, liwei, caonima, shabi, buyaowen, gongxifacai, shengrikuaile, xinniankuaile, wanshiruyi, yishengyishi',
  '520, 1314, 5201314, 1314520, 5211314, 1314521, 7758521, 7758258, 147258369, 584520, 5845201314, 3344520, 9958, 88888888, 66668888, 168168, 520520, 13145200',
  '我爱你, 我想你, 爱你, 爱你一万年, 我喜欢你, 中国, 我爱中国, 祖国, 北京, 上海, 密码, 我的密码, 你好, 你好吗, 你是谁, 我是谁, 不知道, 老婆, 老公, 宝宝, 宝贝, 亲爱的, 妈妈, 爸爸, 一生一世, 永远, 幸福, 快乐, 生日快乐, 新年快乐, 恭喜发财, 万事如意, 一帆风顺, 心想事成, 身体健康, 管理员, 测试, 百度, 微信, 淘宝, 密碼, 我愛你, 我愛妳, 中國, 台灣, 香港, 你好嗎',
  // Japanese
  'aishiteru, daisuki, sakura, arigatou, arigato, konnichiwa, konnichiha, ohayou, nihon, nippon, tokyo, himitsu, pasuwado, kawaii, doraemon, pikachu, naruto, totoro',
  'パスワード, あいしてる, 愛してる, だいすき, 大好き, ありがとう, こんにちは, おはよう, さようなら, さくら, 桜, にほん, 日本, 東京, ひみつ, 秘密, あんしょうばんごう, 暗証番号, かわいい, ともだち, はじめまして, おやすみ',
  // Korean
  'saranghae, saranghaeyo, annyeong, annyeonghaseyo, bimilbeonho, hanguk, daehanminguk, oppa',
  '비밀번호, 암호, 패스워드, 사랑해, 사랑해요, 사랑합니다, 안녕, 안녕하세요, 감사합니다, 대한민국, 한국, 서울, 관리자, 바보, 행복, 엄마, 아빠, 우리가족, 화이팅, 천사',
  // Russian, Ukrainian, Bulgarian, Serbian
  'пароль, мойпароль, привет, любовь, люблю, люблютебя, ялюблютебя, россия, москва, спартак, зенит, динамо, цска, солнышко, солнце, зайка, зайчик, котик, котенок, кошка, мама, папа, мамочка, жизнь, счастье, друзья, дружба, админ, администратор, секрет, наташа, настя, марина, светлана, екатерина, анастасия, александр, максим, дмитрий, сергей, андрей, алексей, никита, кирилл, владимир, вконтакте, одноклассники, компьютер, интернет, красота, победа, космос, свобода, гость, фывапролдж, тест',
  'parol, moyparol, privet, lubov, lyubov, lublu, rossiya, moskva, spartak, solnyshko, natasha, kotenok',
  'україна, київ, кохання, кохаютебе, люблютебе, слава україні, славаукраїні, героямслава, привіт, шевченко, парола, обичамте, българия, софия, лозинка, србија, волимте, шифра, љубав',
  // German, Dutch, Scandinavian
  'passwort, kennwort, meinpasswort, geheim, hallo, hallowelt, schatz, schatzi, ichliebedich, sommer, winter, deutschland, fussball, bayern, borussia, dortmund, hamburg, berlin, willkommen, einfach, wachtwoord, welkom, hoihoi, ikhouvanjou, geheim, ajax, feyenoord, losenord, hejsan, jagalskardig, sverige, passord, jegelskerdig, norge, adgangskode, danmark, salasana, suomi, rakastansinua',
  // French
  'motdepasse, monmotdepasse, bonjour, jetaime, jetaimemonamour, monamour, doudou, soleil, loulou, chouchou, marseille, bienvenue, azerty, coucou, france, nicolas, camille, secret',
  // Spanish, Portuguese, Italian, Romanian
  'contrasena, micontrasena, clave, teamo, teamomucho, tequiero, tequieromucho, mivida, miamor, corazon, amorcito, realmadrid, barcelona, bienvenido, hola, holamundo, estrella, mariposa, senha, minhasenha, amor, euteamo, teamo, brasil, flamengo, corinthians, palmeiras, benfica, familia, felicidade, deusefiel, jesus, password, tiamo, tiamotanto, amore, amoremio, ciao, ciaociao, juventus, forzamilan, forzainter, napoli, benvenuto, parola, teiubesc, romania, bunaziua',
  // Turkish, Polish, Czech, Hungarian
  'sifre, parola, seniseviyorum, galatasaray, fenerbahce, besiktas, turkiye, istanbul, askim, canim, merhaba, bismillah, haslo, mojehaslo, kochamcie, kocham, polska, misiek, kasia, agnieszka, dupa, heslo, mojeheslo, milujite, ahoj, slunicko, praha, jelszo, szeretlek, magyarorszag',
  // Indonesian, Vietnamese, Filipino
  'katasandi, sandi, rahasia, akucintakamu, sayang, cinta, indonesia, jakarta, bismillah, alhamdulillah, matkhau, anhyeuem, emyeuanh, yeuem, vietnam, hanoi, mahalkita, mahal, pilipinas',
  // Arabic, Persian, Hebrew
  'كلمة السر, كلمة المرور, الله, الله اكبر, محمد, احمد, حبيبي, حبيبتي, احبك, انا احبك, مرحبا, السلام عليكم, الحمد لله, بسم الله, رمز عبور, گذرواژه, دوستت دارم, ایران, سلام, عشق, סיסמה, סיסמא, אני אוהב אותך, אני אוהבת אותך, ישראל, שלום, אהבה, אמא',
  'habibi, ahmed, mohamed, allah, allahuakbar, alhamdulillah, inshallah, iran, tehran, salam, eshgh, israel, shalom',
  // Greek, Hindi, Thai
  'κωδικος, κωδικός πρόσβασης, σαγαπω, σε αγαπω, ελλαδα, αθηνα, ολυμπιακος, παναθηναικος, καλημερα, पासवर्ड, भारत, नमस्ते, मैं तुमसे प्यार करता हूं, जय श्री राम, राधे राधे, ॐ नमः शिवाय, รหัสผ่าน, ฉันรักเธอ, สวัสดี, ประเทศไทย',
  'namaste, jaishreeram, radheradhe, jaihind, omnamahshivaya, krishna, ganesha, bharat, saibaba, waheguru',
]

/** Sayings, verses, prayers, titles and examples that everybody of a language knows. Each part of one counts, too. */
const PHRASES = [
  // English
  'correct horse battery staple', 'staple battery horse correct', 'horse battery staple correct', 'battery horse staple correct', 'correct battery horse staple', 'the quick brown fox jumps over the lazy dog', 'the quick brown fox jumped over the lazy dogs', 'a quick brown fox jumps over the lazy dog', 'quick brown fox jumps over a lazy dog',
  'pack my box with five dozen liquor jugs', 'sphinx of black quartz judge my vow', 'how vexingly quick daft zebras jump', 'waltz bad nymph for quick jigs vex', 'the five boxing wizards jump quickly', 'now is the time for all good men to come to the aid of the party',
  'this is my password', 'my password is password', 'my password is secret', 'i forgot my password', 'i hate passwords', 'i dont know my password', 'password is password', 'please let me in', 'let me in please', 'open the door', 'open sesame', 'i love you so much', 'i love you forever', 'i love you more than anything', 'i love you to the moon and back', 'i love my family', 'i love my life', 'i love my dog', 'i love my mom', 'i love jesus',
  'to be or not to be that is the question', 'may the force be with you', 'luke i am your father', 'i am your father', 'winter is coming', 'valar morghulis', 'you shall not pass', 'one ring to rule them all', 'speak friend and enter', 'my precious', 'live long and prosper', 'beam me up scotty', 'resistance is futile', 'i am iron man', 'i am groot', 'i am batman', 'with great power comes great responsibility', 'hakuna matata', 'expecto patronum', 'avada kedavra', 'supercalifragilisticexpialidocious', 'all your base are belong to us', 'the cake is a lie', 'never gonna give you up never gonna let you down', 'houston we have a problem', 'elementary my dear watson', 'heres looking at you kid', 'frankly my dear i dont give a damn', 'there is no place like home', 'theres no place like home', 'life is like a box of chocolates', 'the answer to life the universe and everything', 'dont panic', 'so long and thanks for all the fish', 'the truth is out there', 'trust no one', 'knock knock whos there', 'hello from the other side', 'all you need is love', 'let it be', 'stairway to heaven', 'bohemian rhapsody', 'smells like teen spirit', 'dont stop believing', 'we are the champions', 'we will rock you', 'another brick in the wall', 'wish you were here', 'game of thrones', 'lord of the rings', 'harry potter and the', 'star wars', 'the big bang theory',
  'happy birthday to you', 'merry christmas and a happy new year', 'twinkle twinkle little star how i wonder what you are', 'mary had a little lamb', 'row row row your boat', 'roses are red violets are blue', 'once upon a time', 'once upon a midnight dreary', 'happily ever after', 'it was the best of times it was the worst of times', 'call me ishmael', 'four score and seven years ago', 'we hold these truths to be self evident', 'i have a dream', 'ask not what your country can do for you', 'god save the queen', 'god save the king', 'god bless america', 'in god we trust', 'one nation under god', 'land of the free home of the brave', 'make america great again', 'united states of america', 'yes we can', 'just do it', 'carpe diem', 'keep calm and carry on', 'practice makes perfect', 'time is money', 'knowledge is power', 'an apple a day keeps the doctor away', 'the early bird catches the worm', 'all work and no play makes jack a dull boy', 'curiosity killed the cat', 'better late than never', 'you only live once', 'live laugh love', 'peace love and happiness',
  'in the beginning god created the heavens and the earth', 'in the beginning was the word', 'for god so loved the world', 'the lord is my shepherd i shall not want', 'our father who art in heaven hallowed be thy name', 'in the name of the father', 'hail mary full of grace', 'jesus loves me this i know', 'jesus is my lord and savior', 'jesus is lord', 'god is good all the time', 'amazing grace how sweet the sound', 'i can do all things through christ',
  // Latin
  'lorem ipsum dolor sit amet consectetur adipiscing elit', 'cogito ergo sum', 'veni vidi vici', 'alea iacta est', 'e pluribus unum', 'semper fidelis', 'pater noster qui es in caelis', 'ave maria gratia plena', 'memento mori', 'in vino veritas',
  // German, Dutch
  'franz jagt im komplett verwahrlosten taxi quer durch bayern', 'zwolf boxkampfer jagen viktor quer uber den grossen sylter deich', 'ich liebe dich uber alles', 'ich bin ein berliner', 'alle meine entchen schwimmen auf dem see', 'vater unser im himmel geheiligt werde dein name', 'einigkeit und recht und freiheit', 'hanschen klein ging allein', 'fest gemauert in der erden', 'wer reitet so spat durch nacht und wind', 'morgenstund hat gold im mund', 'das ist mein passwort', 'pa s heeft lynx bij quiz vrij van zn thema',
  // French
  'portez ce vieux whisky au juge blond qui fume', 'je pense donc je suis', 'liberte egalite fraternite', 'frere jacques dormez vous', 'notre pere qui es aux cieux', 'allons enfants de la patrie', 'je taime de tout mon coeur', 'au clair de la lune mon ami pierrot', 'longtemps je me suis couche de bonne heure', 'vive la france', 'cest la vie', 'je vous salue marie pleine de grace',
  // Spanish, Portuguese, Italian
  'el veloz murcielago hindu comia feliz cardillo y kiwi', 'en un lugar de la mancha de cuyo nombre no quiero acordarme', 'padre nuestro que estas en los cielos', 'te amo con todo mi corazon', 'te quiero mucho mi amor', 'hasta la vista baby', 'viva la vida', 'mi casa es su casa', 'dios es amor', 'dios te salve maria', 'ordem e progresso', 'pai nosso que estais no ceu', 'eu te amo muito', 'ouviram do ipiranga as margens placidas', 'deus e fiel', 'nel mezzo del cammin di nostra vita', 'pranzo dacqua fa volti sghembi', 'padre nostro che sei nei cieli', 'fratelli ditalia litalia se desta', 'ti amo da morire', 'ave maria piena di grazia',
  // Polish, Czech, Turkish
  'pchnac w te lodz jeza lub osm skrzyn fig', 'litwo ojczyzno moja ty jestes jak zdrowie', 'ojcze nasz ktorys jest w niebie', 'jeszcze polska nie zginela', 'prilis zlutoucky kun upel dabelske ody', 'kde domov muj', 'seni cok seviyorum', 'korkma sonmez bu safaklarda yuzen al sancak', 'ne mutlu turkum diyene',
  // Russian, Ukrainian
  'съешь же еще этих мягких французских булок да выпей чаю', 'в чащах юга жил бы цитрус', 'я тебя люблю', 'я люблю тебя жизнь', 'мой дядя самых честных правил', 'я помню чудное мгновенье', 'у лукоморья дуб зеленый', 'белеет парус одинокий', 'в начале было слово', 'умом россию не понять', 'в траве сидел кузнечик', 'в лесу родилась елочка', 'широка страна моя родная', 'москва слезам не верит', 'отче наш иже еси на небесех', 'пусть всегда будет солнце', 'мама мыла раму', 'слава украине героям слава', 'ще не вмерла україни', 'реве та стогне дніпр широкий', 'як умру то поховайте', 'добрый день', 'с днем рождения', 'с новым годом',
  // Chinese, written and by sound
  '床前明月光疑是地上霜举头望明月低头思故乡', '白日依山尽黄河入海流欲穷千里目更上一层楼', '春眠不觉晓处处闻啼鸟夜来风雨声花落知多少', '锄禾日当午汗滴禾下土谁知盘中餐粒粒皆辛苦', '鹅鹅鹅曲项向天歌', '离离原上草一岁一枯荣', '人之初性本善性相近习相远', '天地玄黄宇宙洪荒', '学而时习之不亦说乎', '有朋自远方来不亦乐乎', '天生我材必有用', '但愿人长久千里共婵娟', '明月几时有把酒问青天', '执子之手与子偕老', '死生契阔与子成说', '道可道非常道名可名非常名', '好好学习天天向上', '为人民服务', '中华人民共和国', '世界人民大团结万岁', '起来不愿做奴隶的人们', '我爱北京天安门', '两只老虎两只老虎跑得快', '世上只有妈妈好', '祝你生日快乐', '阿弥陀佛', '南无阿弥陀佛', '观自在菩萨行深般若波罗蜜多时', '芝麻开门', '天王盖地虎宝塔镇河妖', '不忘初心牢记使命', '面朝大海春暖花开', '月亮代表我的心', '床前明月光疑是地上霜舉頭望明月低頭思故鄉', '天長地久', '我的密码是什么', '我不知道密码', '我忘记密码了', '爱你一生一世', '我爱你一生一世', '我永远爱你',
  'chuang qian ming yue guang yi shi di shang shuang', 'bai ri yi shan jin huang he ru hai liu', 'chun mian bu jue xiao chu chu wen ti niao', 'hao hao xue xi tian tian xiang shang', 'wei ren min fu wu', 'wo ai bei jing tian an men', 'wo ai ni yi sheng yi shi', 'zhu ni sheng ri kuai le', 'ren zhi chu xing ben shan', 'zhong hua ren min gong he guo', 'wo de mi ma shi shen me', 'wo bu zhi dao mi ma', 'liang zhi lao hu', 'a mi tuo fo',
  // Japanese, Korean
  'いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす', '吾輩は猫である名前はまだない', 'わがはいはねこであるなまえはまだない', '春はあけぼのやうやう白くなりゆく', '祇園精舎の鐘の声', '古池や蛙飛び込む水の音', 'ふるいけやかわずとびこむみずのおと', 'じゅげむじゅげむごこうのすりきれ', '南無阿弥陀仏', '君が代は千代に八千代に', 'きみがよはちよにやちよに', 'wagahai wa neko de aru', '開けゴマ', 'パスワードを忘れました', 'あなたを愛しています',
  '동해물과 백두산이 마르고 닳도록', '다람쥐 헌 쳇바퀴에 타고파', '나랏말싸미 듕귁에 달아', '나 보기가 역겨워 가실 때에는', '무궁화 꽃이 피었습니다', '죽는 날까지 하늘을 우러러', '생일 축하합니다', '새해 복 많이 받으세요', '열려라 참깨',
  // Arabic, Persian, Hebrew, Greek, Hindi
  'بسم الله الرحمن الرحيم', 'لا اله الا الله محمد رسول الله', 'الحمد لله رب العالمين', 'قل هو الله احد', 'بنی آدم اعضای یک پیکرند', 'bismillah ir rahman ir rahim', 'la ilaha illallah muhammadur rasulullah', 'שמע ישראל', 'בראשית ברא אלוהים את השמים ואת הארץ', 'התקווה', 'עם ישראל חי', 'πατερ ημων ο εν τοις ουρανοις', 'εν αρχη ην ο λογος', 'ελευθερια η θανατος', 'ओम जय जगदीश हरे', 'हरे कृष्ण हरे राम', 'हरे राम हरे कृष्ण', 'वन्दे मातरम्', 'सत्यमेव जयते', 'vande mataram', 'satyameva jayate', 'hare krishna hare rama', 'om shanti om', 'indonesia raya merdeka merdeka', 'satu nusa satu bangsa satu bahasa', 'tien hoc le hau hoc van', 'khong co gi quy hon doc lap tu do',
]

const lettersOf = (text: string) => fold(text).replaceAll(/[^\p{L}\p{N}]/gu, '')

/** A shorter part of a phrase is a word like any other. Han says in a few signs what others say in many. */
const SHORTEST_PART = 8
const SHORTEST_PART_OF_SIGNS = 4
const hasSigns = (part: string) => /\p{Script=Han}/u.test(part)

const spelled = WORDS.flatMap(line => line.split(',')).map(lettersOf)
/** Also as they come out with a Latin layout switched on: `gfhjkm` is `пароль`. */
const words = new Set(spelled.flatMap(word => [word, ...latinKeys(word)]))
const phrases = PHRASES.map(lettersOf)
const text = [...phrases, ...phrases.flatMap(latinKeys)].join('\n')
const wholes = new Set(phrases)
/** The beginnings of all parts: what begins otherwise is none. */
const beginnings = new Set(Array.from({ length: text.length }, (_, at) => text.slice(at, at + SHORTEST_PART_OF_SIGNS)))

export const LONGEST_FAMOUS = Math.max(...[...spelled, ...phrases].map(one => one.length))

/** @param piece folded */
export function isFamousWord(piece: string): boolean {
  return words.has(piece)
}

/** Whether it is a phrase that everybody knows, or a good part of one. @param piece folded, letters and digits alone */
export function isFamousPhrase(piece: string): boolean {
  if (wholes.has(piece)) return true
  if (!beginnings.has(piece.slice(0, SHORTEST_PART_OF_SIGNS))) return false
  return piece.length >= (hasSigns(piece) ? SHORTEST_PART_OF_SIGNS : SHORTEST_PART) && text.includes(piece)
}

/** Whether it is such a phrase whole, however it is written and whatever stands between its words and around them. */
export function isWholePhrase(password: string): boolean {
  return wholes.has(lettersOf(password).replaceAll(/^\p{N}+|\p{N}+$/gu, ''))
}
