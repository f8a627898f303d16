#include "srs/cli/help.h"

#include <string.h>

#include "base/mem.h"
#include "srs/cli/cli.h"

struct page {
	const char *word;
	const char *line; /* in the overview */
	const char *text;
};

/* A line of the source is a line of the text. */
/* clang-format off */
static const struct page pages[] = {
{ "run", "start the server",
"srs -c FILE run\n"
"\n"
"Starts every role and prints one line of JSON on standard output\n"
"when all of them serve: the bound addresses, the URL, and a one-time\n"
"setup link while there is no administrator yet. The link works until\n"
"there is one; others may be added before.\n"
"\n"
"SIGTERM  no new calls; running ones may finish for [server] drain,\n"
"         then BYE. A second one ends at once; running calls go on\n"
"         at the next start.\n"
"SIGHUP   reads the settings marked \"reload\" again.\n" },
{ "demo", "the whole thing in half a minute, nothing to configure",
"srs demo [--once] [--json] [--data DIR]\n"
"\n"
"A throw-away server on free loopback ports: makes an owner and a VoIP\n"
"provider, walks the OAuth code flow, places a SIPREC call with two\n"
"voices and a hold, waits for the recording, fetches and checks it.\n"
"With a terminal it then serves until Ctrl-C; --once exits. The data\n"
"folder (printed; --data names one) stays for you to look at.\n"
"--json prints one object: recording_id, duration_s, participants,\n"
"mix_path, audio_url, ui_url, login, password, access_token, sip_uri.\n" },
{ "call", "place a recording call (a SIPREC client)",
"srs call --to URI [--token T] --participant AOR ... [options]\n"
"\n"
"  --to sip:HOST:PORT       the recording server\n"
"  --token T                access token (Authorization: Bearer); @FILE\n"
"                           reads it from a file\n"
"  --participant AOR        who takes part; repeat, in channel order\n"
"  --name NAME              display name of the participant before it\n"
"  --wav FILE               what a participant says (16-bit PCM); repeat\n"
"                           in the same order; otherwise a tone each\n"
"  --codec C                PCMU (default), PCMA, G722 or opus\n"
"  --like PRODUCT           speak as this recording client: avaya,\n"
"                           broadworks, cisco-cube, cucm, metaswitch,\n"
"                           netsapiens, opensips, oracle, sonus, webex,\n"
"                           jambonz, genesys (default rfc); cucm makes\n"
"                           two dialogs for each call, netsapiens\n"
"                           another one at each --join and --leave\n"
"  --duration S             seconds, default 10\n"
"  --transport udp|tcp|tls  default udp\n"
"  --tls-dir DIR            cafile.pem: verify the server; agent.pem: our\n"
"                           certificate and key\n"
"  --hold A-B               on hold from second A to second B\n"
"  --dtmf KEYS@S            the first participant presses keys (RFC 4733)\n"
"  --join AOR@S             somebody joins at second S (UPDATE)\n"
"  --leave AOR@S            somebody leaves\n"
"  --srtp                   RTP/SAVP with a key of ours (RFC 4568);\n"
"  --srtp-suite SUITE       another than AES_CM_128_HMAC_SHA1_80\n"
"  --loss PERCENT           drop RTP packets at random\n"
"  --reorder                swap neighbouring RTP packets now and then\n"
"  --calls N --rate R       N calls, R new ones a second\n"
"  --json                   one object per call\n"
"\n"
"Exit code 4 when a call was refused.\n" },
{ "check-config", "say whether a configuration file is good",
"srs -c FILE check-config [--json]\n"
"srs check-config --example\n"
"\n"
"Names every mistake: file, line, key, what is wrong and what is allowed.\n"
"Looks at the environment (SRS_SECTION_KEY) and at [sip] trunks_file as\n"
"well. Exit code 2 when there is one; --json prints ok and errors.\n"
"--example prints every key with its default and a comment.\n" },
{ "migrate", "bring the catalog's schema up to date",
"srs -c FILE migrate [--dry-run] [--json]\n"
"\n"
"`srs run` does the same at its start. --dry-run shows what would be\n"
"applied.\n" },
{ "user", "add and list the people who may log in",
"srs -c FILE user add --tenant T --email E [--role R] [--aor A ...]\n"
"                     [--listens-to OWNER ...] [--password-stdin] [--json]\n"
"srs -c FILE user set EMAIL [--aor A ...] [--remove-aor A ...]\n"
"            [--listens-to OWNER ...] [--remove-listens-to OWNER ...]\n"
"            [--json]\n"
"srs -c FILE user list [--tenant T] [--json]\n"
"srs -c FILE user login-link --email E [--json]\n"
"\n"
"Roles: owner (the default; records and plays own calls), admin (manages\n"
"the tenant), supervisor, listener, auditor. While there is no admin, the\n"
"setup link of `srs run` makes one. An AoR (sip:alice@x, tel:+44...) says\n"
"which calls are this person's: only for these can they agree to\n"
"recordings; sip:*@domain and tel:+44* are all of a kind that nobody else\n"
"has. One that is removed narrows or revokes the grants that name it.\n"
"A listener finds and plays the recordings of the owners it is assigned\n"
"to by --listens-to (e-mail or id, same tenant) and changes nothing.\n"
"Without --password-stdin a password is made and printed once. The\n"
"tenant is made when it does not exist. login-link prints a link that\n"
"signs this person in once within 15 minutes: for whoever is kept out.\n" },
{ "client", "API credentials for a VoIP provider",
"srs -c FILE client add --tenant T --name N --redirect-uri U ... [--json]\n"
"                       [--tls-identity NAME] [--plain-authorize]\n"
"                       [--quoted-bearer]\n"
"srs -c FILE client list [--tenant T] [--json]\n"
"srs -c FILE client set ID --addresses LIST [--json]\n"
"\n"
"Prints client_id and client_secret; the secret is shown once.\n"
"  --addresses LIST     besides the address that began a call, requests of\n"
"                       the call may come from these (192.0.2.7,\n"
"                       198.51.100.0/24; \"\" = from no others)\n"
"  --tls-identity NAME  its SIP legs must show a certificate with this\n"
"                       name\n"
"  --plain-authorize    may authorize without a pushed request\n"
"  --quoted-bearer      may write Bearer token=\"...\" in SIP\n" },
{ "grant", "what an owner lets a provider record",
"srs -c FILE grant add --client ID --owner EMAIL --details FILE\n"
"                      [--scope WORDS] [--json]\n"
"srs -c FILE grant list [--tenant T] [--json]\n"
"srs -c FILE grant narrow ID [--details FILE] [--scope WORDS]\n"
"srs -c FILE grant revoke ID\n"
"srs -c FILE grant test (--grant ID | --details FILE)\n"
"                       --participant AOR ... [--codec C ...] [--json]\n"
"\n"
"`add` is the operator's short cut past the consent page: it prints\n"
"the grant's id, an access token and a refresh token. FILE holds\n"
"authorization_details of type call_recording; an address in it that is\n"
"not the owner's is remarked, no more. `narrow` takes rights\n"
"away, never adds any; running calls that are outside now end within\n"
"a second. WORDS: call-recording (send calls), recordings (list and\n"
"play them over the API), or \"call-recording recordings\", as is\n"
"the default. `test` judges a call that was never made: exit code 4\n"
"and every violated condition when it would not be recorded. More\n"
"of the call for `test`:\n"
"  --at TIME            2026-01-31T09:30:00Z instead of now\n"
"  --caller AOR         which participant called\n"
"  --direction WORD     inbound, outbound or internal\n"
"  --location URI       the Request-URI of the recording call\n"
"  --streams N          streams of each kind (one a participant)\n"
"  --srtp, --told       encrypted; the parties were told\n" },
{ "trunk", "recording clients that send no token",
"srs -c FILE trunk add --name N --grant ID [--tls-name NAME]\n"
"    [--tls-sha256 HEX] [--addresses A,B/24] [options] [--json]\n"
"srs -c FILE trunk list [--tenant T] [--json]\n"
"srs -c FILE trunk show NAME|ID [--json]\n"
"srs -c FILE trunk set NAME|ID [any option of add]\n"
"srs -c FILE trunk remove NAME|ID\n"
"\n"
"Binds a client certificate, or addresses where the operator allows\n"
"that ([sip] allow_address_trunks), to a grant: INVITEs from there need\n"
"no token. All that is said must hold. Running calls go on when a\n"
"trunk is removed; revoking the grant ends them.\n"
"\n"
"  --tls-name NAME          SAN or CN of the client certificate\n"
"  --tls-sha256 HEX         SHA-256 of the certificate\n"
"  --addresses LIST         source addresses and networks\n"
"  --uri-user USER          only INVITEs to sip:USER@...\n"
"  --strictness WORD        tolerant, or strict: 400 where something was\n"
"                           repaired, guessed or can't be recorded\n"
"  --token-forms LIST       none; token, access_token: quoted tokens\n"
"                           that it may send besides the plain one\n"
"  --media-source WORD      strict: RTP from the address in SDP; learn\n"
"  --channel-order WORD     metadata, mline or label\n"
"  --srtp WORD              default, preferred, required or off\n"
"  --vendor WORD            a warning when User-Agent lacks it\n"
"  --enabled yes|no\n"
"  --force                  also where it takes calls of a trunk of\n"
"                           another account\n"
"\n"
"[sip] trunks_file names a file with the same keys; see\n"
"docs/operating.md.\n" },
{ "tenant", "what is set for a customer's account",
"srs -c FILE tenant list [--json]\n"
"srs -c FILE tenant show NAME|ID [--json]\n"
"srs -c FILE tenant set NAME|ID [--country CODE]\n"
"    [--national-prefix DIGITS|none|auto]\n"
"    [--international-prefix DIGITS|auto]\n"
"    [--aor P ...] [--remove-aor P ...] [--json]\n"
"\n"
"How telephone numbers that don't begin with + are meant in calls and\n"
"searches of this account: of which country, and what stands before a\n"
"national and an international number. \"\" takes a value away; then\n"
"[numbers] of the settings holds. A change holds for calls that begin\n"
"after it.\n"
"\n"
"--aor says which addresses are the account's: sip:user@host, tel:+digits,\n"
"sip:*@domain, tel:+44*. Its administrators may give these to its users\n"
"(PATCH /api/v1/users/ID); `srs user set` may give any.\n" },
{ "token", "API tokens of users; list and revoke all tokens",
"srs -c FILE token add --user EMAIL [--name N] [--expires 30d] [--json]\n"
"srs -c FILE token list [--tenant T] [--json]\n"
"srs -c FILE token revoke TOKEN\n"
"\n"
"`add` prints a token with that user's rights, for /api/v1; it is shown\n"
"once. `list` shows every token, also those of providers: id, kind\n"
"(access, refresh, api, client), state (active, expired, revoked, used),\n"
"when it was made, expires and was last used, its scope and whose it is;\n"
"never its secret. TOKEN is the token or its id, which is the part\n"
"between srs_at_ and the dot; a refresh token takes all of its\n"
"authorization's tokens with it.\n" },
{ "recordings", "list and show recordings and their SIP messages",
"srs -c FILE recordings list [options] [--json]\n"
"srs -c FILE recordings show ID [--json]\n"
"srs -c FILE recordings metadata ID   (RFC 7865 XML, as understood)\n"
"srs -c FILE recordings pause|resume ID [--json]\n"
"srs -c FILE recordings hand-over ID --to sip:ADDRESS:PORT;transport=tls\n"
"srs -c FILE recordings signalling ID [--format text|pcapng] [--json]\n"
"\n"
"Options of list, which shows the newest first:\n"
"  --tenant T           of this account only\n"
"  -q WORDS             that have all of these words, or their beginnings, in\n"
"                       title, notes, names or numbers\n"
"  --participant AOR    in which this one takes part; its number will do\n"
"  --from TIME          that began then or later\n"
"  --to TIME            that began before; a date: that day included\n"
"  --tz ZONE            zone of dates and times (Europe/London), default\n"
"                       that of this machine (TZ)\n"
"  --limit N            1 to 200, default 50\n"
"  --cursor C           go on where the last list ended\n"
"\n"
"A TIME is a date (2026-01-31), a local time (2026-01-31T09:30) or one with\n"
"its offset (2026-01-31T09:30:00Z, ...+01:00).\n"
"\n"
"signalling prints every SIP message of the recording session\n"
"(tokens removed); pcapng is for Wireshark: use > FILE.\n"
"\n"
"pause: nothing of a running call is kept until resume; exit code 4\n"
"when its grant does not allow that.\n"
"\n"
"hand-over: a running session goes to another node that [sip] nodes names;\n"
"this one records until the client has left it. Waits for the result; exit\n"
"code 4 when that address is not named.\n" },
{ "record", "call a recording client and record what it sends",
"srs -c FILE record --from URI --grant ID [--participant AOR ...]\n"
"                   [--streams N] [--json]\n"
"\n"
"The running server sends an INVITE (Require: siprec, no SDP) to\n"
"sip:src@ADDRESS:PORT;transport=..., an IP address. The call is judged\n"
"by the conditions of the grant and ends by BYE from either side.\n"
"\n"
"  --participant AOR  who takes part, when the client does not say so\n"
"  --streams N        audio lines taken at most, default 32\n"
"\n"
"Prints the recording's id. Exit code 4 when it is not allowed.\n" },
{ "export", "copy a recording with all that belongs to it",
"srs -c FILE export ID --to DIR\n"
"\n"
"Audio, waveform, metadata, signalling, SHA256SUMS; hashes are\n"
"checked while copying.\n" },
{ "verify", "compare the stored files with the catalog's hashes",
"srs -c FILE verify [ID] [--json]\n"
"\n"
"Exit code 4 when something is missing or damaged.\n" },
{ "spool", "look into the packets of a running or recovered call",
"srs spool show FILE [--json]\n"
"srs spool dump FILE [-o OUT.pcapng]\n"
"\n"
"Spools are in data_dir/spool until their recording is ready. `show`\n"
"says whose call it is, its streams, and what was received and lost;\n"
"`dump` writes its packets as pcapng for Wireshark: to OUT, or into a pipe.\n"
"Reads only; needs no configuration and no server.\n" },
{ "version", "print the version of this program",
"srs version [--json]\n" },
{ "help", "more about a word: srs help WORD",
"srs help [WORD]\n"
"\n"
"`srs WORD --help` prints the same.\n" },
};
/* clang-format on */

void help_overview(FILE *f)
{
	fputs("srs - call recording server (SIPREC, RFC 7866) with OAuth "
	      "consent\n\n"
	      "  srs [-c FILE] [--json] WORD ...\n\n",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		fprintf(f, "  %-13s %s\n", pages[i].word, pages[i].line);
	fputs("\nExit codes: 0 done, 1 failed, 2 wrong usage or "
	      "configuration,\n"
	      "3 not found, 4 the answer is no.\n",
	      f);
}

int help_print(const char *word)
{
	if (!word) {
		help_overview(stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strcmp(pages[i].word, word) == 0) {
			fputs(pages[i].text, stdout);
			return CLI_OK;
		}
	}
	return cli_usage(NULL, "there is no word \"%s\"", word);
}
