### The words of the program, in English. CONTRIBUTING.md says how words and languages are added.
###
### `{ $name }` is replaced when the words are shown. A number decides between forms: [0] is exactly that number, [one]
### and *[other] are plural categories of the language (https://cldr.unicode.org, "Plural Rules").

## The language

# Its own name.
language = English
# Which way it is written: ltr or rtl.
direction = ltr
# Between each three digits of a number.
thousands-separator = ,

## The document

# For search engines, and beside a link in other programs.
description = Private chat rooms without accounts: open one, share its link, and talk. When everybody has left, every word is deleted.
card-title = Flasky Chat: talk now, gone when you go
boot-failed = This page could not start completely. It works all the same: in a room, refresh to see what others say.
try-again = Try again

theme-auto = Theme: automatic
theme-light = Theme: light
theme-dark = Theme: dark

## Answers that are no page

form-too-large = This form is too large.
form-too-slow = This form took too long to arrive.
server-busy = The server has too much to do to answer this now. Try again in a moment.
limited = A little patience, please
limited-more = Many rooms were looked for from your network in a short time. Try again in { NUMBER($seconds) } s; nothing is lost.
form-unreadable = The server cannot read this form. Reload the page and try again.

## Home

pitch-first = Talk now.
pitch-second = Gone when you go.
pitch-more = Open a room, share its code, and talk. When everybody has left, the room and every word in it evaporate.
promise = No account. No tracking. Nothing kept.
your-name = Your name
create = Create a room
options = Options
how-many = Maximum number of people, you included
or-join = or join one
room-code = Room code
join = Join

## A room from outside

join-room = Join the room
join-again = Join again
join-as = Join as { $name }
other-name = Use another name
join-page = { $count ->
        [0] Nobody is inside yet.
        [one] 1 person is inside.
       *[other] { $count } people are talking.
    } No account. Deleted from this server when the last person leaves.
left = You left { $code }
still-inside = { $count ->
        [0] Nobody is inside.
        [one] 1 person is still inside.
       *[other] { $count } people are still inside.
    }
everybody-left = Everybody has left, and what was said is deleted from this server.
no-room = There is no room with this code
no-page = There is nothing at this address
may-have-ended = It may have ended: a room goes when the last person has left.
start-new = Start a new room
full = This room is full
full-more = Every seat is taken. When somebody leaves, you can join.
full-again = This page keeps checking.
server-cannot = The server cannot do this right now
server-cannot-more = Nothing is lost. Please try again in a moment.
unreachable = The server cannot be reached
unreachable-more = Check your network. Nothing is lost: this page goes on by itself.
new-version = There is a new version
new-version-more = Reload the page to go on.
reload = Reload

## Why a form was refused

name-missing = Type a name, so the others know who you are.
name-too-long = That name is too long. At most { NUMBER($count) } characters fit.
name-too-many-signs = That name is too long: an emoji can count as several characters, and so can accents. Please take some out.
name-turns-writing = Character { NUMBER($place) } of that name is invisible and turns the writing around. Please take it out.
code-missing = Type the code of the room you want to join.
code-bad = A code has eight characters, like KXQ4-7M2P.
code-too-short = A code has eight characters, like KXQ4-7M2P. { $missing ->
        [one] One is missing.
       *[other] { $missing } are missing.
    }
code-too-long = A code has eight characters, like KXQ4-7M2P. { $surplus ->
        [one] There is one too many.
       *[other] There are too many.
    }
code-bad-character = A code has eight characters, like KXQ4-7M2P. “{ $character }” is never one of them.
capacity-bad = A room holds 2 to 1,000 people.
code-unknown = There is no room with this code. It may have ended.
room-full = This room is full.
room-locked = This room is locked. Somebody inside has to unlock it before you can join.
room-removed = You were removed from this room. You can start a new one.
too-fast = That was a lot at once. Try again in { NUMBER($seconds) } s.
server-unreachable = The server cannot be reached right now. Please try again.
no-seat = You are not in this room any more. Join it again to talk.
no-cookie = This site needs a cookie to know you again. Allow cookies for it in your browser, then try again.
wrong-origin = This page's address is not the one that this server was set up for. Whoever runs it: PUBLIC_URL must be this address, and the proxy must pass Host on.
wrong-origin-go = This page's address is not the one that this server was set up for, and nothing was done. Go to { $address } and try again there.

## Why a message was not sent

message-empty = There is nothing to send yet.
message-too-long = This message is too long. At most 4,000 characters fit.
message-bad = This cannot be sent: it holds half a character, or is no emoji where one belongs.
message-too-fast = That was a lot at once. Wait a second and send it again.
message-too-old = This may have been sent already. If you do not see it, send it again.
message-no-target = The message that this changes is gone. Edit sends it as a new one.
message-failed = The server cannot take this right now. Please try again.
message-later = The server cannot store messages right now. Trying again.
edit-to-nothing = A message cannot become empty. To take it back, delete it.
compose-target-lost = What this answered or changed is not on this page. It would be sent as a new message.
no-files = Pictures and files cannot be sent here. Text can.
text-only = Only the text is taken: pictures and files cannot be sent here.
paste-refused = That text has { NUMBER($length) } characters, and a message can have { NUMBER($most) }. It was not pasted.
paste-beginning = Paste the first { NUMBER($count) }

## The header of a room

# The room's heading for screen readers.
room = Room { $code }
more = More
close = Close
locked = Locked: nobody else can join
people = People
leave = Let's leave!

## Inviting

invite = Invite
invite-heading = Invite to this room
invite-more = Anyone with this link can join and read what was said before.
room-link = Link to this room
qr = QR code of the link to this room
copy-link = Copy invite link
copy-short = Copy link
copied = Link copied
show-qr = Show QR
full-screen = Full screen
scan = Scan to join
share = Share

## Who is here

here-now = Here now, { NUMBER($count) } of { NUMBER($seats) }
you = you
away = away
# Beside a name in the list of members.
is-typing-short = typing…

## The log

messages = Messages
skip = Skip to writing
nothing-said = Nobody has said anything yet.
empty-room = Nobody has said anything yet. Share the link, and talk.
# In the place of a name that is not known any more.
somebody = Somebody
# Between the names of a list and before its last one: "Ana, Bo and Chidi". Spaces at an end are in quotes.
comma = {", "}
and = {" and "}
# Between two sentences of a line.
full-stop = {". "}
others = { $count ->
        [one] 1 other
       *[other] { $count } others
    }
you-joined = You joined
you-left = You left
joined = { $count ->
       *[other] { $names } joined
    }
left-room = { $count ->
       *[other] { $names } left
    }
today = Today
yesterday = Yesterday
new-messages = { $count ->
        [one] 1 new message
       *[other] { $count } new messages
    }
jump = { $below ->
        [0] Jump to latest
        [one] 1 new message, jump to latest
       *[other] { $below } new messages, jump to latest
    }
deleted = Message deleted
edited = edited
earlier-message = an earlier message
gone-message = a message that is gone
ignored-message = a message of somebody you ignore
not-found = That message is gone, or too far back to be shown here.
sending = Sending…
sent-in = Will be sent in { NUMBER($seconds) } s
# State of a message that follows one that was refused or waits for its turn.
held = Waits for the message above
unsent = Not sent
retry = Retry

## What can be done with a message

actions = Message actions
react = React
react-with = React with { $emoji }
who-reacted = Who reacted
# Names of those who reacted, and how many more did.
and-more = { $more ->
        [0] { $names }
       *[other] { $names } and { $more } more
    }
reply = Reply
copy = Copy
# On the button of a block of code, and after a message was copied.
text-copied = Copied
copy-text = Copy text
not-copied = Not copied: the browser does not allow it. Select the words and copy them by hand.
edit = Edit
delete = Delete
delete-sure = Delete?
more-actions = More actions

## Writing

message = Message
whats-new = What's new?
send = Send
save = Save
cancel = Cancel
# Followed by a name.
replying = Reply to
editing = Editing
space-left = { NUMBER($count) } left
too-many = { NUMBER($count) } too many
one-types = { $name } is typing…
two-type = { $names } are typing…
several-type = Several people are typing…
refresh = Refresh
gone = Gone when you all go
# The line below the message box: "Enter sends, Shift+Enter breaks the line. All keys". Spaces at an end are in quotes.
enter-sends = {" sends, "}
shift-enter-breaks = {" breaks the line. "}
all-keys = All keys

## Keys

help-heading = Keys
key-enter = Enter
key-shift = Shift
key-ctrl = Ctrl
key-escape = Esc
key-home = Home
key-end = End
help-send = Send, or save a change
help-line = New line
help-mention = Mention somebody
help-edit = In an empty message box: change your last message
help-cancel = Cancel a reply or a change; from the messages back to the message box
help-up-down = Among the messages: one up, one down
help-home-end = Among the messages: first and last
help-actions = On a message: its actions
help-search = Among the messages: search and save
help-write = Anywhere: start to write
help-emoji = On an emoji: insert it, and keep the picker open
log-keys = Among the messages, / goes to the message box, and ? shows this list

## The connection

connecting = Connecting…
offline = You are offline. What you write is kept and sent when you are back.
disconnected = Connection lost. Trying again.
trying-again-in = Connection lost. Trying again in { NUMBER($seconds) } s.
try-now = Try now
outdated = There is a new version of this page. What you are writing is kept when you reload.
reconnected = { $missed ->
        [0] You are back. Nothing was said while you were away.
        [one] You are back. 1 message arrived while you were away.
       *[other] You are back. { $missed } messages arrived while you were away.
    }
leaving = You leave as soon as there is a connection. What was not sent is given up.

## The end of a stay

room-ended = This room has ended
room-ended-more = What was said is gone.
away-too-long = You were away too long
away-too-long-more = Your place was freed. You can join again.
removed = You were removed from this room
removed-more = The host removed you, and this browser cannot come back to it. You can start a room of your own.
too-many-tabs = This room is open in too many tabs
too-many-tabs-more = Close one of them and try again.
something-wrong = Something went wrong
left-elsewhere = You left this room
left-elsewhere-more = Here, or in another tab. While somebody is inside, its link lets you in again.

## The question before something is given up

last-one = You are the last one
delete-and-leave = Delete and leave
leave-unsent = Leave without sending?
# Asked as the last one, and somebody has come meanwhile.
leave-room = Leave the room?
leave-room-more = Somebody else is inside now, so nothing is deleted.
leave-yes = Leave
stay = Stay
more-deleted = More than { NUMBER($count) } messages will be deleted.
everything-deleted = Everything that was said will be deleted.
messages-deleted = { $count ->
        [0] The room will be deleted, and its link will lead nowhere.
        [one] 1 message will be deleted.
       *[other] { $count } messages will be deleted.
    }
unsent-given-up = { $count ->
        [one] What you wrote is not sent yet.
       *[other] { $count } messages are not sent yet.
    }

## Emoji

emoji = Emoji
search-emoji = Search emoji
recent-emoji = Recent
found-emoji = Found
no-emoji = No emoji has this name.
still-loading = Still loading…

# Each group: its name, and its emoji with their names (CLDR short names, some of them shortened). All languages have
# the same emoji in the same order.
smileys = Smileys
smileys-names =
    😀 grinning, 😄 happy, 😁 beaming, 😆 squinting laugh, 😅 laughing with sweat, 😂 tears of joy, 🤣 rolling on the floor, 😊 blushing,
    🙂 slight smile, 🙃 upside-down, 😉 wink, 😍 heart eyes, 🥰 in love, 😘 blowing a kiss, 😋 yum, 😜 winking tongue,
    🤔 thinking, 🤨 raised eyebrow, 😐 neutral, 🙄 rolling eyes, 😏 smirk, 😎 sunglasses, 🤓 nerd, 🥳 partying,
    😬 grimacing, 😮 surprised, 😴 sleeping, 😢 crying, 😭 sobbing, 😡 angry, 🤯 mind blown, 🫠 melting
hands = Hands and hearts
hands-names =
    👍 thumbs up, 👎 thumbs down, 👌 OK hand, ✌️ victory, 🤞 crossed fingers, 👋 waving, 👏 clapping, 🙌 raised hands,
    🙏 folded hands, 🤝 handshake, 💪 strong arm, 👀 eyes, 🫡 saluting, 🤷 shrug, 🤦 facepalm, 🫶 heart hands,
    ❤️ red heart, 🧡 orange heart, 💛 yellow heart, 💚 green heart, 💙 blue heart, 💜 purple heart, 💔 broken heart, 💯 hundred points
nature = Animals and nature
nature-names =
    🐶 dog, 🐱 cat, 🦊 fox, 🐻 bear, 🐼 panda, 🐸 frog, 🐵 monkey, 🦄 unicorn,
    🐝 bee, 🦋 butterfly, 🐙 octopus, 🐢 turtle, 🌱 seedling, 🌸 blossom, 🌈 rainbow, ☀️ sun
food = Food and drink
food-names =
    🍎 apple, 🍌 banana, 🍓 strawberry, 🥑 avocado, 🍕 pizza, 🍔 burger, 🍟 fries, 🌮 taco,
    🍣 sushi, 🍪 cookie, 🎂 birthday cake, 🍫 chocolate, ☕ coffee, 🍵 tea, 🍺 beer, 🥂 clinking glasses
fun = Fun and places
fun-names =
    🎉 party popper, 🎈 balloon, 🎁 present, 🏆 trophy, ⚽ football, 🏀 basketball, 🎮 video game, 🎲 die,
    🎸 guitar, 🎵 music, 🎬 film, 🚀 rocket, 🚗 car, 🚲 bicycle, 🏠 house, 🏖️ beach
things = Objects and signs
things-names =
    🔥 fire, ✨ sparkles, ⭐ star, ⚡ lightning, 💡 light bulb, 💻 laptop, 📱 phone, 📌 pin,
    🔒 lock, 🧪 test tube, 🐛 bug, ⏰ alarm clock, ✅ done, ❌ cross, ❓ question, ⚠️ warning

## Notifications and announcements

notices = Notifications
notices-off = Notifications: off
notices-mentions = Notifications: mentions
notices-all = Notifications: all messages
notices-for = While you look elsewhere, notify you of
notices-all-messages = All messages
notices-mentions-only = Messages that mention you
notices-nothing = Nothing
notices-more = For this room. The next one you enter begins with the same choice.
notices-shown = A notification shows the room, the name and the first words, also on a lock screen.
notices-asking = Sound only, until you allow this page to show notifications. Your browser asks when you choose.
notices-denied = Sound only: this page may not show notifications. You can allow it in the browser's settings for this site.
notices-unable = Sound only: this browser lets no page show notifications, as most on phones.
notices-sound = Sound
sound-chime = Chime
sound-drop = Drop
sound-knock = Knock
sound-none = None
announce-changes = With a screen reader: also read out reactions to your messages, and edits
# A notification: the author, and the first words.
notice = { $name }: { $words }
notice-of-mention = { $name } mentioned you: { $words }
# For screen readers.
reacted = { $name } reacted with { $emoji } to: { $words }
has-edited = { $name } edited: { $words }
changes = { $count ->
        [one] 1 reaction or edit
       *[other] { $count } reactions and edits
    }

## Search, dates and saving

find = Search and save
search = Search what was said
older-match = Older match
newer-match = Newer match
no-match = No message has these words.
# Place of the message that is shown among those that were found.
match-of = { NUMBER($place) } of { NUMBER($count) }
day-field = Day
go = Go
save-talk = Save the talk
save-markdown = Markdown
save-text = Plain text
compact = Compact rows
# Older pages on their way.
looking-back = Looking further back: page { NUMBER($page) } of { NUMBER($most) } at most
not-whole = There are older messages. Ten pages of them are loaded at most, and they are not among these.
not-loaded = Older messages did not come. Check the connection and try again.
not-saved = Not saved: the browser does not allow it.
saved-as = Saved as { $file }
saved-part = Saved as { $file }, without the oldest messages: ten pages of older ones are loaded at most.
nothing-saved = Nothing was saved: older messages did not come. Check the connection and try again.
# Head of a saved talk.
saved-at = Saved { $moment }.
# Mark of a saved message that answers another one.
saved-reply = reply
# Author and time of a message, for screen readers.
said-at = { $author }, { $time }

## Names of people and rooms

rename = Change your name
name-room = Name this room
room-name = Room name, seen only by those inside
ignored = ignored, only on this device
ignore = Ignore { $name }
host = host
named-later = The name changes as soon as the server can take it.
name-not-allowed = The room keeps its name: only the host can change it.
name-not-taken = The server does not take this name. Please choose another one.
name-not-changed = The name was not changed. Please try again.
renamed = { $name } is now called { $new }
you-renamed = You are now called { $new }
new-host = { $name } is now the host
you-host = You are now the host
named-room = { $name } named the room { $new }
you-named-room = You named the room { $new }
unnamed-room = { $name } removed the room's name
you-unnamed-room = You removed the room's name
was-removed-from-room = { $count ->
        [one] { $names } was removed by the host
       *[other] { $names } were removed by the host
    }
locked-now = The room is now locked: nobody else can join
unlocked-now = The room is open again
host-only-now = Only the host can write now
all-write-now = Everybody can write again
slow-mode-now = Slow mode: one message in { NUMBER($count) } seconds
slow-mode-off = Slow mode is off
seats-now = The room now has { NUMBER($count) } seats
code-now = The room has a new code. The old link leads nobody else here

## The reader's rooms on the home page

my-rooms = Your rooms
inside = { NUMBER($count) } inside
unread-messages = { NUMBER($count) } new
unread-at-least = { NUMBER($count) }+ new
unread-some = new

## The host's dialog

manage-room = Manage the room
press-again = Press again
back-to-room = Back to the room
lock-room = Locked: nobody else can join
only-host-writes = Only I can write
slow-mode = Slow mode, for everybody but me
slow-off = Off
slow-seconds = One message in { NUMBER($count) } seconds
seats = Seats
hand-over = Make host
remove = Remove
remove-and-lock = Remove and lock
renew-code = New code
renew-code-more = With a new code the old link leads nobody else here. Somebody removed cannot come back with the same browser, but could with another one, unless the room is locked.
end-room = End the room
end-room-sure = End it for everybody?
not-changed = That did not work. Please try again.
seats-refused = Not a number from 2 to 1,000, or fewer seats than people inside.
not-host = Only the host can do this.
member-gone = This person has left.
host-only = Only the host can write now.
room-is-locked = This room is locked
room-is-locked-more = When somebody inside unlocks it, you can join.

## The page that says what the server holds

privacy = Privacy
privacy-more = What this server holds, and for how long. The numbers are the settings that it runs with.
privacy-operator = Who runs it
privacy-address = This server is { $address }.
privacy-reads = It is run by the people behind its address and by nobody else: the makers of the program have no part in it. Whoever runs it can read what is said in a room as long as the room exists, because messages are not encrypted from end to end.
privacy-report = Report a room
# Followed by an address, which is a link.
privacy-report-to = Tell whoever runs this server:
privacy-report-what = Give the room's code, the date and time with your time zone, and what happened. Do it while the room exists, and save the talk if you can: when everybody has left, nobody can read it any more.
privacy-rooms = Rooms
privacy-room = A room is held as long as somebody is in it: its code, its name if it has one, its settings, the names that people chose, a random number for each of them, and what was said, with times and reactions. When the last one has left, all of it is deleted, and the key under which it was encrypted is destroyed.
# An event is a message, a reaction, an edit, or somebody coming or going.
privacy-events = A room keeps its newest { NUMBER($events) } events at most, and no more than { $size } of them: messages, reactions, edits, people coming and going. Older ones are deleted while the room goes on. What was edited or deleted is kept in no earlier form.
privacy-seats = If you close the page or lose the connection, your seat is kept for { $grace }, and without JavaScript for { $lease } after the last page. A seat whose page never connects is freed after { $arrival }. Until then you count as inside.
privacy-store-file = All this is in files on the machine of this server.
privacy-store-shared = All this is on the machines that the operator uses as its store, which several servers share.
privacy-copies = The operator can make copies for safety. Such a copy has the rooms of its moment, and is kept until the operator deletes it: only the operator knows when that is.
privacy-browser = Cookies and your browser
privacy-cookie = One cookie holds a random number and a signature, and no name. It lasts until you close the browser, and tells the server which seats are yours. In each room you have another number, made from that one, so nobody can tell from the numbers that you are in two rooms. If you choose a language, a second cookie keeps it for a year.
privacy-storage = Your browser also keeps on your device the name that you typed, your settings, the codes of the rooms that you are in, whom you ignore there, and what you have not sent yet.
privacy-memory = In memory alone
privacy-form = A form that was refused is kept with what you typed in it until your next page shows it, for { $time } at most.
privacy-network = Your network address is used while you are connected, and to limit how much comes from one address. It is stored in no file and in no log line of this program.
privacy-logs = Log and statistics
privacy-log = The log says what happened and when, such as “room created” or “connected”. It has no messages, names, room names, codes, cookies and network addresses. How long it is kept, and what a proxy in front of this server notes down, only the operator knows.
privacy-metrics-on = The operator has turned statistics on. They are counts, such as the number of rooms and of connections, and name no room and no person.
privacy-metrics-off = Statistics are turned off.
privacy-others = Others
privacy-nothing-sent = Nothing is sent to anybody else. The pages load nothing from other servers, and there is no advertising and no tracking.
seconds = { $count ->
        [one] 1 second
       *[other] { $count } seconds
    }
minutes = { $count ->
        [one] 1 minute
       *[other] { $count } minutes
    }
hours = { $count ->
        [one] 1 hour
       *[other] { $count } hours
    }
kibibytes = { NUMBER($count) } KiB
mebibytes = { NUMBER($count) } MiB
