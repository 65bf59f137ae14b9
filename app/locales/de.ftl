### The words of the program, in German. The comments are in `en.ftl`.
###
### Anrede: du. Ein Raum, die Nachricht, der Platz; Emoji heißen wie im CLDR, wo es kurz genug ist. Zahl und Einheit, und
### was sonst zusammengehört, hält ein geschütztes Leerzeichen (U+00A0) zusammen.

## The language

language = Deutsch
direction = ltr
thousands-separator = .

## The document

description = Private Chaträume ohne Konto: Raum öffnen, Link teilen, reden. Wenn alle gegangen sind, wird jedes Wort gelöscht.
card-title = Flasky Chat: jetzt reden – weg, wenn ihr geht
boot-failed = Diese Seite ist nicht ganz gestartet. Sie funktioniert trotzdem: Lade sie im Raum neu, um zu sehen, was die anderen schreiben.
try-again = Noch einmal versuchen

theme-auto = Design: automatisch
theme-light = Design: hell
theme-dark = Design: dunkel

## Answers that are no page

form-too-large = Dieses Formular ist zu groß.
form-too-slow = Die Übertragung dieses Formulars hat zu lange gedauert.
server-busy = Der Server hat gerade zu viel zu tun, um das zu beantworten. Versuch es gleich noch einmal.
limited = Einen Moment Geduld
limited-more = Aus deinem Netz wurden in kurzer Zeit viele Räume gesucht. Versuch es in { NUMBER($seconds) } s noch einmal; es geht nichts verloren.
form-unreadable = Der Server kann dieses Formular nicht lesen. Lade die Seite neu und versuch es noch einmal.

## Home

pitch-first = Jetzt reden.
pitch-second = Weg, wenn ihr geht.
pitch-more = Öffne einen Raum, teile den Code und rede los. Wenn alle gegangen sind, verfliegen der Raum und jedes Wort darin.
promise = Kein Konto. Kein Tracking. Nichts bleibt.
your-name = Dein Name
create = Raum öffnen
options = Optionen
how-many = Höchstzahl der Personen, dich mitgezählt
or-join = oder komm in einen dazu
room-code = Raumcode
join = Beitreten

## A room from outside

join-room = Dem Raum beitreten
join-again = Wieder beitreten
join-as = Als { $name } beitreten
other-name = Anderen Namen verwenden
join-page = { $count ->
        [0] Noch ist niemand drin.
        [one] 1 Person ist drin.
       *[other] { $count } Personen unterhalten sich.
    } Kein Konto. Wird von diesem Server gelöscht, wenn die letzte Person geht.
left = { $code } verlassen
still-inside = { $count ->
        [0] Niemand ist mehr drin.
        [one] 1 Person ist noch drin.
       *[other] { $count } Personen sind noch drin.
    }
everybody-left = Alle sind gegangen, und was gesagt wurde, ist von diesem Server gelöscht.
no-room = Zu diesem Code gibt es keinen Raum
no-page = Unter dieser Adresse gibt es nichts
may-have-ended = Vielleicht ist er zu Ende: Ein Raum verschwindet, wenn die letzte Person gegangen ist.
start-new = Neuen Raum öffnen
full = Dieser Raum ist voll
full-more = Alle Plätze sind besetzt. Sobald jemand geht, kannst du dazukommen.
full-again = Diese Seite sieht immer wieder nach.
server-cannot = Der Server kann das gerade nicht
server-cannot-more = Nichts ist verloren. Versuch es gleich noch einmal.
unreachable = Der Server ist nicht erreichbar
unreachable-more = Prüfe deine Verbindung. Nichts ist verloren: Diese Seite macht von selbst weiter.
new-version = Es gibt eine neue Version
new-version-more = Lade die Seite neu, um weiterzumachen.
reload = Neu laden

## Why a form was refused

name-missing = Gib einen Namen ein, damit die anderen wissen, wer du bist.
name-too-long = Dieser Name ist zu lang. Höchstens { NUMBER($count) } Zeichen passen hinein.
name-too-many-signs = Dieser Name ist zu lang: Ein Emoji kann als mehrere Zeichen zählen, Akzente auch. Bitte nimm ein paar heraus.
name-turns-writing = Zeichen { NUMBER($place) } dieses Namens ist unsichtbar und dreht die Schrift um. Bitte nimm es heraus.
code-missing = Gib den Code des Raums ein, in den du willst.
code-bad = Ein Code hat acht Zeichen, zum Beispiel KXQ4-7M2P.
code-too-short = Ein Code hat acht Zeichen, zum Beispiel KXQ4-7M2P. { $missing ->
        [one] Eins fehlt.
       *[other] { $missing } fehlen.
    }
code-too-long = Ein Code hat acht Zeichen, zum Beispiel KXQ4-7M2P. { $surplus ->
        [one] Das ist eins zu viel.
       *[other] Das sind zu viele.
    }
code-bad-character = Ein Code hat acht Zeichen, zum Beispiel KXQ4-7M2P. „{ $character }“ kommt darin nie vor.
capacity-bad = In einen Raum passen 2 bis 1.000 Personen.
code-unknown = Zu diesem Code gibt es keinen Raum. Vielleicht ist er zu Ende.
room-full = Dieser Raum ist voll.
room-locked = Dieser Raum ist abgeschlossen. Erst muss ihn drinnen jemand aufschließen.
room-removed = Du wurdest aus diesem Raum entfernt. Du kannst einen neuen öffnen.
too-fast = Das war viel auf einmal. Versuch es in { NUMBER($seconds) } s noch einmal.
server-unreachable = Der Server ist gerade nicht erreichbar. Bitte versuch es noch einmal.
no-seat = Du bist nicht mehr in diesem Raum. Tritt wieder bei, um mitzureden.
no-cookie = Diese Seite braucht ein Cookie, um dich wiederzuerkennen. Erlaube ihr in deinem Browser Cookies und versuch es dann noch einmal.
wrong-origin = Die Adresse dieser Seite ist nicht die, für die dieser Server eingerichtet wurde. An alle, die ihn betreiben: PUBLIC_URL muss diese Adresse sein, und der Proxy muss Host weitergeben.
wrong-origin-go = Die Adresse dieser Seite ist nicht die, für die dieser Server eingerichtet wurde, und es ist nichts geschehen. Geh auf { $address } und versuch es dort noch einmal.

## Why a message was not sent

message-empty = Noch gibt es nichts zu senden.
message-too-long = Diese Nachricht ist zu lang. Höchstens 4.000 Zeichen passen hinein.
message-bad = Das lässt sich nicht senden: Es enthält ein halbes Zeichen, oder es ist kein Emoji, wo eins hingehört.
message-too-fast = Das war viel auf einmal. Warte eine Sekunde und sende es noch einmal.
message-too-old = Das wurde vielleicht schon gesendet. Wenn du es nicht siehst, sende es noch einmal.
message-no-target = Die Nachricht, die du ändern wolltest, ist weg. „Bearbeiten“ sendet das als neue.
message-failed = Der Server kann das gerade nicht annehmen. Bitte versuch es noch einmal.
message-later = Der Server kann gerade keine Nachrichten speichern. Neuer Versuch läuft.
edit-to-nothing = Eine Nachricht kann nicht leer werden. Wenn sie weg soll, lösche sie.
compose-target-lost = Worauf das eine Antwort war oder was es ändern sollte, ist nicht auf dieser Seite. Es würde als neue Nachricht gesendet.
no-files = Bilder und Dateien lassen sich hier nicht senden. Text schon.
text-only = Nur der Text kommt mit: Bilder und Dateien lassen sich hier nicht senden.
paste-refused = Dieser Text hat { NUMBER($length) } Zeichen, und in eine Nachricht passen { NUMBER($most) }. Er wurde nicht eingefügt.
paste-beginning = Die ersten { NUMBER($count) } einfügen

## The header of a room

room = Raum { $code }
more = Mehr
close = Schließen
locked = Abgeschlossen: Niemand kann mehr dazukommen
people = Personen
leave = Lass uns gehen!

## Inviting

invite = Einladen
invite-heading = In diesen Raum einladen
invite-more = Alle mit diesem Link können dazukommen und lesen, was vorher gesagt wurde.
room-link = Link zu diesem Raum
qr = QR-Code mit dem Link zu diesem Raum
copy-link = Einladungslink kopieren
copy-short = Link kopieren
copied = Link kopiert
show-qr = QR-Code zeigen
full-screen = Vollbild
scan = Scannen und dazukommen
share = Teilen

## Who is here

here-now = Jetzt hier: { NUMBER($count) } von { NUMBER($seats) }
you = du
away = weg
is-typing-short = schreibt …

## The log

messages = Nachrichten
skip = Zum Schreiben springen
nothing-said = Noch hat niemand etwas gesagt.
empty-room = Noch hat niemand etwas gesagt. Teile den Link und rede los.
somebody = Jemand
comma = {", "}
and = {" und "}
full-stop = {". "}
others = { $count ->
        [one] 1 weitere Person
       *[other] { $count } weitere
    }
you-joined = Du bist jetzt dabei
you-left = Du bist gegangen
joined = { $count ->
        [one] { $names } ist jetzt dabei
       *[other] { $names } sind jetzt dabei
    }
left-room = { $count ->
        [one] { $names } ist gegangen
       *[other] { $names } sind gegangen
    }
today = Heute
yesterday = Gestern
new-messages = { $count ->
        [one] 1 neue Nachricht
       *[other] { $count } neue Nachrichten
    }
jump = { $below ->
        [0] Zum Neuesten
        [one] 1 neue Nachricht, zum Neuesten
       *[other] { $below } neue Nachrichten, zum Neuesten
    }
deleted = Nachricht gelöscht
edited = bearbeitet
earlier-message = eine frühere Nachricht
gone-message = eine Nachricht, die weg ist
ignored-message = eine Nachricht von jemandem, den du ignorierst
not-found = Diese Nachricht ist weg oder liegt zu weit zurück, um hier zu erscheinen.
sending = Wird gesendet …
sent-in = Wird in { NUMBER($seconds) } s gesendet
held = Wartet auf die Nachricht darüber
unsent = Nicht gesendet
retry = Noch einmal

## What can be done with a message

actions = Aktionen für die Nachricht
react = Reagieren
react-with = Mit { $emoji } reagieren
who-reacted = Wer reagiert hat
and-more = { $more ->
        [0] { $names }
        [one] { $names } und 1 weitere Person
       *[other] { $names } und { $more } weitere
    }
reply = Antworten
copy = Kopieren
text-copied = Kopiert
copy-text = Text kopieren
not-copied = Nicht kopiert: Der Browser erlaubt es nicht. Markiere den Text und kopiere ihn von Hand.
edit = Bearbeiten
delete = Löschen
delete-sure = Löschen?
more-actions = Weitere Aktionen

## Writing

message = Nachricht
whats-new = Was gibt’s Neues?
send = Senden
save = Speichern
cancel = Abbrechen
replying = Antwort an
editing = Bearbeiten
space-left = noch { NUMBER($count) }
too-many = { NUMBER($count) } zu viel
one-types = { $name } schreibt …
two-type = { $names } schreiben …
several-type = Mehrere schreiben …
refresh = Neu laden
gone = Weg, wenn alle gehen
enter-sends = {" sendet, "}
shift-enter-breaks = {" macht eine neue Zeile. "}
all-keys = Alle Tasten

## Keys

help-heading = Tasten
key-enter = Enter
key-shift = Umschalt
key-ctrl = Strg
key-escape = Esc
key-home = Pos1
key-end = Ende
help-send = Senden oder eine Änderung speichern
help-line = Neue Zeile
help-mention = Jemanden erwähnen
help-edit = Im leeren Textfeld: deine letzte Nachricht ändern
help-cancel = Antwort oder Änderung abbrechen; von den Nachrichten zurück ins Textfeld
help-up-down = In den Nachrichten: eine nach oben, eine nach unten
help-home-end = In den Nachrichten: erste und letzte
help-actions = Auf einer Nachricht: was du mit ihr tun kannst
help-search = Bei den Nachrichten: suchen und sichern
help-write = Überall: losschreiben
help-emoji = Auf einem Emoji: einfügen, und die Auswahl bleibt offen
log-keys = In den Nachrichten springt / ins Textfeld, und ? zeigt diese Liste

## The connection

connecting = Verbindung wird aufgebaut …
offline = Du bist offline. Was du schreibst, bleibt hier und wird gesendet, sobald du wieder da bist.
disconnected = Verbindung verloren. Neuer Versuch läuft.
trying-again-in = Verbindung verloren. Neuer Versuch in { NUMBER($seconds) } s.
try-now = Jetzt versuchen
outdated = Es gibt eine neue Version dieser Seite. Was du gerade schreibst, bleibt beim Neuladen erhalten.
reconnected = { $missed ->
        [0] Du bist wieder da. In der Zwischenzeit hat niemand etwas gesagt.
        [one] Du bist wieder da. In der Zwischenzeit kam 1 Nachricht an.
       *[other] Du bist wieder da. In der Zwischenzeit kamen { $missed } Nachrichten an.
    }
leaving = Du gehst, sobald es eine Verbindung gibt. Was noch nicht gesendet ist, wird verworfen.

## The end of a stay

room-ended = Dieser Raum ist zu Ende
room-ended-more = Was gesagt wurde, ist weg.
away-too-long = Du warst zu lange weg
away-too-long-more = Dein Platz wurde frei. Du kannst wieder beitreten.
removed = Du wurdest aus diesem Raum entfernt
removed-more = Die Leitung hat dich entfernt, und mit diesem Browser kommst du nicht zurück. Du kannst einen eigenen Raum öffnen.
too-many-tabs = Dieser Raum ist in zu vielen Tabs offen
too-many-tabs-more = Schließe einen davon und versuch es noch einmal.
something-wrong = Etwas ist schiefgegangen
left-elsewhere = Du hast diesen Raum verlassen
left-elsewhere-more = Hier oder in einem anderen Tab. Solange jemand drin ist, kommst du über den Link wieder hinein.

## The question before something is given up

last-one = Außer dir ist niemand mehr da
delete-and-leave = Löschen und gehen
leave-unsent = Gehen, ohne zu senden?
leave-room = Raum verlassen?
leave-room-more = Jetzt ist noch jemand drin, also wird nichts gelöscht.
leave-yes = Gehen
stay = Bleiben
more-deleted = Mehr als { NUMBER($count) } Nachrichten werden gelöscht.
everything-deleted = Alles, was gesagt wurde, wird gelöscht.
messages-deleted = { $count ->
        [0] Der Raum wird gelöscht, und sein Link führt ins Leere.
        [one] 1 Nachricht wird gelöscht.
       *[other] { $count } Nachrichten werden gelöscht.
    }
unsent-given-up = { $count ->
        [one] Was du geschrieben hast, ist noch nicht gesendet.
       *[other] { $count } Nachrichten sind noch nicht gesendet.
    }

## Emoji

emoji = Emoji
search-emoji = Emoji suchen
recent-emoji = Zuletzt benutzt
found-emoji = Gefunden
no-emoji = Kein Emoji heißt so.
still-loading = Lädt noch …

smileys = Smileys
smileys-names =
    😀 grinsend, 😄 fröhlich, 😁 strahlend, 😆 lachend mit zugekniffenen Augen, 😅 lachend mit Schweißtropfen, 😂 Freudentränen, 🤣 am Boden liegend vor Lachen, 😊 errötend,
    🙂 leichtes Lächeln, 🙃 kopfüber, 😉 zwinkernd, 😍 Herzaugen, 🥰 verliebt, 😘 Küsschen, 😋 lecker, 😜 zwinkernd mit Zunge,
    🤔 nachdenklich, 🤨 hochgezogene Augenbraue, 😐 neutral, 🙄 Augen verdrehend, 😏 süffisant, 😎 Sonnenbrille, 🤓 Streber, 🥳 Partygesicht,
    😬 Grimasse, 😮 erstaunt, 😴 schlafend, 😢 weinend, 😭 heulend, 😡 wütend, 🤯 explodierender Kopf, 🫠 schmelzend
hands = Hände und Herzen
hands-names =
    👍 Daumen hoch, 👎 Daumen runter, 👌 OK-Zeichen, ✌️ Victory, 🤞 Daumen drücken, 👋 winkend, 👏 klatschend, 🙌 erhobene Hände,
    🙏 gefaltete Hände, 🤝 Handschlag, 💪 Bizeps, 👀 Augen, 🫡 salutierend, 🤷 Schulterzucken, 🤦 Hand vor dem Kopf, 🫶 Herz aus Händen,
    ❤️ rotes Herz, 🧡 oranges Herz, 💛 gelbes Herz, 💚 grünes Herz, 💙 blaues Herz, 💜 lila Herz, 💔 gebrochenes Herz, 💯 100 Punkte
nature = Tiere und Natur
nature-names =
    🐶 Hund, 🐱 Katze, 🦊 Fuchs, 🐻 Bär, 🐼 Panda, 🐸 Frosch, 🐵 Affe, 🦄 Einhorn,
    🐝 Biene, 🦋 Schmetterling, 🐙 Krake, 🐢 Schildkröte, 🌱 Keimling, 🌸 Kirschblüte, 🌈 Regenbogen, ☀️ Sonne
food = Essen und Trinken
food-names =
    🍎 Apfel, 🍌 Banane, 🍓 Erdbeere, 🥑 Avocado, 🍕 Pizza, 🍔 Burger, 🍟 Pommes, 🌮 Taco,
    🍣 Sushi, 🍪 Keks, 🎂 Geburtstagskuchen, 🍫 Schokolade, ☕ Kaffee, 🍵 Tee, 🍺 Bier, 🥂 Sektgläser
fun = Freizeit und Orte
fun-names =
    🎉 Konfettibombe, 🎈 Luftballon, 🎁 Geschenk, 🏆 Pokal, ⚽ Fußball, 🏀 Basketball, 🎮 Videospiel, 🎲 Würfel,
    🎸 Gitarre, 🎵 Musik, 🎬 Film, 🚀 Rakete, 🚗 Auto, 🚲 Fahrrad, 🏠 Haus, 🏖️ Strand
things = Dinge und Zeichen
things-names =
    🔥 Feuer, ✨ funkelnde Sterne, ⭐ Stern, ⚡ Blitz, 💡 Glühbirne, 💻 Laptop, 📱 Handy, 📌 Reißzwecke,
    🔒 Schloss, 🧪 Reagenzglas, 🐛 Käfer, ⏰ Wecker, ✅ erledigt, ❌ Kreuz, ❓ Frage, ⚠️ Warnung

## Notifications and announcements

notices = Benachrichtigungen
notices-off = Benachrichtigungen: aus
notices-mentions = Benachrichtigungen: Erwähnungen
notices-all = Benachrichtigungen: alle Nachrichten
notices-for = Benachrichtigen, während du woanders hinsiehst
notices-all-messages = Bei jeder Nachricht
notices-mentions-only = Wenn dich jemand erwähnt
notices-nothing = Nie
notices-more = Für diesen Raum. Der nächste, den du betrittst, beginnt mit derselben Wahl.
notices-shown = Eine Benachrichtigung zeigt den Raum, den Namen und die ersten Worte, auch auf dem Sperrbildschirm.
notices-asking = Nur mit Ton, bis du dieser Seite Benachrichtigungen erlaubst. Dein Browser fragt, sobald du wählst.
notices-denied = Nur mit Ton: Diese Seite darf keine Benachrichtigungen zeigen. Erlauben kannst du es in den Einstellungen des Browsers für diese Website.
notices-unable = Nur mit Ton: Dieser Browser lässt keine Seite Benachrichtigungen zeigen, wie die meisten auf dem Handy.
notices-sound = Ton
sound-chime = Glocke
sound-drop = Tropfen
sound-knock = Klopfen
sound-none = Keiner
announce-changes = Mit Screenreader: auch Reaktionen auf deine Nachrichten und Änderungen vorlesen
notice = { $name }: { $words }
notice-of-mention = { $name } hat dich erwähnt: { $words }
reacted = { $name } hat mit { $emoji } reagiert auf: { $words }
has-edited = { $name } hat geändert: { $words }
changes = { $count ->
        [one] 1 Reaktion oder Änderung
       *[other] { $count } Reaktionen und Änderungen
    }

## Search, dates and saving

find = Suchen und sichern
search = Gesagtes durchsuchen
older-match = Älterer Treffer
newer-match = Neuerer Treffer
no-match = Keine Nachricht hat diese Worte.
match-of = { NUMBER($place) } von { NUMBER($count) }
day-field = Tag
go = Los
save-talk = Gespräch sichern
save-markdown = Markdown
save-text = Nur Text
compact = Kompakte Ansicht
looking-back = Suche weiter zurück: Seite { NUMBER($page) } von höchstens { NUMBER($most) }
not-whole = Es gibt ältere Nachrichten. Höchstens zehn Seiten davon werden geladen; sie sind hier nicht dabei.
not-loaded = Ältere Nachrichten sind nicht angekommen. Prüfe die Verbindung und versuch es noch einmal.
not-saved = Nicht gesichert: Der Browser erlaubt es nicht.
saved-as = Gesichert als { $file }
saved-part = Gesichert als { $file }, aber ohne die ältesten Nachrichten: Höchstens zehn Seiten mit älteren werden geladen.
nothing-saved = Nichts gesichert: Ältere Nachrichten sind nicht angekommen. Prüfe die Verbindung und versuch es noch einmal.
saved-at = Gesichert am { $moment }.
saved-reply = Antwort
said-at = { $author }, { $time }

## Names of people and rooms

rename = Namen ändern
name-room = Raum benennen
room-name = Raumname, nur für die im Raum sichtbar
ignored = ignoriert, nur auf diesem Gerät
ignore = { $name } ignorieren
host = Leitung
named-later = Der Name ändert sich, sobald der Server ihn annehmen kann.
name-not-allowed = Der Raum behält seinen Namen: Nur wer ihn leitet, kann ihn ändern.
name-not-taken = Der Server nimmt diesen Namen nicht an. Bitte wähle einen anderen.
name-not-changed = Der Name wurde nicht geändert. Bitte versuch es noch einmal.
renamed = { $name } heißt jetzt { $new }
you-renamed = Du heißt jetzt { $new }
new-host = { $name } leitet jetzt den Raum
you-host = Du leitest jetzt den Raum
named-room = { $name } hat den Raum { $new } genannt
you-named-room = Du hast den Raum { $new } genannt
unnamed-room = { $name } hat den Raumnamen entfernt
you-unnamed-room = Du hast den Raumnamen entfernt
was-removed-from-room = { $count ->
        [one] { $names } wurde von der Leitung entfernt
       *[other] { $names } wurden von der Leitung entfernt
    }
locked-now = Der Raum ist jetzt geschlossen: Niemand kann mehr dazukommen
unlocked-now = Der Raum ist wieder offen
host-only-now = Jetzt kann nur noch die Leitung schreiben
all-write-now = Alle können wieder schreiben
slow-mode-now = Langsamer Modus: eine Nachricht in { NUMBER($count) } Sekunden
slow-mode-off = Der langsame Modus ist aus
seats-now = Der Raum hat jetzt { NUMBER($count) } Plätze
code-now = Der Raum hat einen neuen Code. Der alte Link führt niemanden mehr her

## The reader's rooms on the home page

my-rooms = Deine Räume
inside = { NUMBER($count) } drin
unread-messages = { NUMBER($count) } neu
unread-at-least = { NUMBER($count) }+ neu
unread-some = neu

## Der Dialog der Leitung

manage-room = Raum leiten
press-again = Noch einmal drücken
back-to-room = Zurück in den Raum
lock-room = Geschlossen: Niemand kann dazukommen
only-host-writes = Nur ich kann schreiben
slow-mode = Langsamer Modus, für alle außer mir
slow-off = Aus
slow-seconds = Eine Nachricht in { NUMBER($count) } Sekunden
seats = Plätze
hand-over = Leitung übergeben
remove = Entfernen
remove-and-lock = Entfernen und schließen
renew-code = Neuer Code
renew-code-more = Mit einem neuen Code führt der alte Link niemanden mehr her. Wer entfernt wurde, kommt mit demselben Browser nicht zurück, mit einem anderen aber doch, wenn der Raum offen ist.
end-room = Raum beenden
end-room-sure = Für alle beenden?
not-changed = Das hat nicht geklappt. Bitte versuche es noch einmal.
seats-refused = Keine Zahl von 2 bis 1.000, oder weniger Plätze als Menschen im Raum.
not-host = Das kann nur, wer den Raum leitet.
member-gone = Diese Person ist schon gegangen.
host-only = Jetzt kann nur die Leitung schreiben.
room-is-locked = Dieser Raum ist geschlossen
room-is-locked-more = Sobald ihn drinnen jemand öffnet, kannst du dazukommen.

## The page that says what the server holds

privacy = Datenschutz
privacy-more = Was dieser Server speichert, und wie lange. Die Zahlen sind die Einstellungen, mit denen er läuft.
privacy-operator = Wer ihn betreibt
privacy-address = Dieser Server ist { $address }.
privacy-reads = Ihn betreiben die Leute hinter seiner Adresse und sonst niemand: Wer das Programm geschrieben hat, hat damit nichts zu tun. Wer ihn betreibt, kann lesen, was in einem Raum gesagt wird, solange es den Raum gibt, denn Nachrichten sind nicht von Ende zu Ende verschlüsselt.
privacy-report = Raum melden
privacy-report-to = Sag es denen, die diesen Server betreiben:
privacy-report-what = Nenne den Code des Raums, Datum und Uhrzeit mit Zeitzone, und was passiert ist. Melde ihn, solange es ihn gibt, und sichere das Gespräch, wenn du kannst: Wenn alle gegangen sind, kann es niemand mehr lesen.
privacy-rooms = Räume
privacy-room = Ein Raum wird gespeichert, solange jemand darin ist: sein Code, sein Name, wenn er einen hat, seine Einstellungen, die Namen, die sich alle gegeben haben, für jede Person eine zufällige Nummer, und was gesagt wurde, mit Zeiten und Reaktionen. Wenn die letzte Person gegangen ist, wird das alles gelöscht und der Schlüssel vernichtet, mit dem es verschlüsselt war.
privacy-events = Ein Raum behält höchstens seine neuesten { NUMBER($events) } Ereignisse und davon nicht mehr als { $size }: Nachrichten, Reaktionen, Änderungen, wer kommt und geht. Ältere werden gelöscht, während der Raum weitergeht. Was geändert oder gelöscht wurde, bleibt in keiner früheren Fassung erhalten.
privacy-seats = Wenn du die Seite schließt oder die Verbindung verlierst, bleibt dein Platz { $grace } lang frei für dich, ohne JavaScript { $lease } nach der letzten Seite. Ein Platz, dessen Seite sich nie verbindet, wird nach { $arrival } frei. Bis dahin zählst du als anwesend.
privacy-store-file = All das liegt in Dateien auf der Maschine dieses Servers.
privacy-store-shared = All das liegt auf den Maschinen, die der Betreiber als Speicher nutzt und die mehrere Server sich teilen.
privacy-copies = Der Betreiber kann zur Sicherheit Kopien anlegen. Eine solche Kopie enthält die Räume ihres Augenblicks und bleibt, bis der Betreiber sie löscht: Wann das ist, weiß nur er.
privacy-browser = Cookies und dein Browser
privacy-cookie = Ein Cookie enthält eine zufällige Nummer mit einer Signatur und keinen Namen. Es gilt, bis du den Browser schließt, und sagt dem Server, welche Plätze deine sind. In jedem Raum hast du eine andere Nummer, die daraus abgeleitet ist; an den Nummern erkennt also niemand, dass du in zwei Räumen bist. Wenn du eine Sprache wählst, merkt sie ein zweites Cookie ein Jahr lang.
privacy-storage = Außerdem behält dein Browser auf deinem Gerät den Namen, den du eingegeben hast, deine Einstellungen, die Codes der Räume, in denen du bist, wen du dort ignorierst, und was du noch nicht gesendet hast.
privacy-memory = Nur im Arbeitsspeicher
privacy-form = Ein Formular, das abgelehnt wurde, wird mit dem, was du eingegeben hast, aufbewahrt, bis deine nächste Seite es zeigt, höchstens { $time } lang.
privacy-network = Deine Netzwerkadresse wird benutzt, solange du verbunden bist, und um zu begrenzen, wie viel von einer Adresse kommt. Sie steht in keiner Datei und in keiner Logzeile dieses Programms.
privacy-logs = Log und Statistik
privacy-log = Das Log sagt, was wann geschehen ist, zum Beispiel „room created“ oder „connected“. Darin stehen keine Nachrichten, Namen, Raumnamen, Codes, Cookies und Netzwerkadressen. Wie lange es aufbewahrt wird, und was ein Proxy vor diesem Server festhält, weiß nur der Betreiber.
privacy-metrics-on = Der Betreiber hat Statistik eingeschaltet. Das sind Anzahlen, etwa die der Räume und der Verbindungen; sie nennen keinen Raum und keine Person.
privacy-metrics-off = Statistik ist ausgeschaltet.
privacy-others = Andere
privacy-nothing-sent = An andere wird nichts gesendet. Die Seiten laden nichts von anderen Servern, und es gibt keine Werbung und kein Tracking.
seconds = { $count ->
        [one] 1 Sekunde
       *[other] { $count } Sekunden
    }
minutes = { $count ->
        [one] 1 Minute
       *[other] { $count } Minuten
    }
hours = { $count ->
        [one] 1 Stunde
       *[other] { $count } Stunden
    }
kibibytes = { NUMBER($count) } KiB
mebibytes = { NUMBER($count) } MiB
