// The protocol of package mmapsync for the Spin model checker (spinroot.com). Run it with "go test ./mmapsync/model".
//
// Without a mutation it is the protocol as implemented, and Spin must find no error. The mutations each leave one step
// out or move it, and Spin must find an assertion that fails:
//
//   CRATE                  the order of steps of the Rust crate mmap-sync 2.x: load the version, then count, no second
//                          look; after a grace time the writer stores 0 over the count and overwrites
//   CRATE PATIENT          the same with a writer that waits for ever: the order alone is enough for a torn read
//   RETIRED_FIRST          on the way that may map a file, the reader looks at the retired bit before the generation
//                          instead of last
//   MAPPING_LATE           on the short way, it loads the mapping after its hold only, not before it as well
//                                                                                              (needs GOROUTINES 2)
//   OWN_ADDED              on the short way, it adds its hold to whatever is in its own slot   (needs GOROUTINES 2)
//   OWN_ANY_GENERATION     on the short way, it does not look at the generation
//   HOLD_STORED            on the short way, it loads 0 and stores its hold, plainly, instead of exchanging    (needs CLOSES)
//   MARK_ONLY_X            a writer that gives up replaces only the data file that it waited for
//   NO_SECOND_LOOK         the reader takes its hold, and trusts the version that it had loaded before
//   REUSE_ON_ADOPTION      a writer that adopts does not replace what is there, though a slot is retired   (needs CRASHES)
//   FORGET_GENERATION      a replacement does not store the new generation
//   ADOPT_NO_GENERATION    a writer that adopts does not store the generations of the files that it finds  (needs CRASHES)
//   LATE_RAISE             a reader raises the number of slots that the writer looks at after its first hold, not before
//   DROP_ON_RECLAIM        a retired slot is taken into use again while holds are left on it
//                                                                                     (needs GOROUTINES 2, or CROWD)
//   SWEEP_WITHOUT_HOLDS    a replaced mapping is unmapped at once, or at Close  (needs GOROUTINES 2, or CLOSES)
//   NO_SERIAL              Release does not raise the number of the place                           (needs AGAIN)
//   SERIAL_LATE            Release raises it after it has let go of the slot                        (needs AGAIN)
//   NOT_ENDED              the short way does not look whether the mapping has ended                (needs CLOSES)
//   COLLECT_EARLY          what a closed Reader had is given back before nothing leads to it        (needs CLOSES)
//   LEAVE_FORGOTTEN        it is given back although a snapshot was forgotten without a Release     (needs FORGETS)
//   JOIN_CLEARS            who joins a shared slot clears it, though others have it                  (needs CROWD)
//   KEEP_HOLDS             an update that failed leaves what the file was said to hold              (needs FAILS)
//   PLAIN_STORE            our writer stores its version, whatever the word is by then              (needs FOREIGN)
//   NO_PROOF               a copy counts if the word is the same before and after it                (needs FOREIGN)
//   BLIND                  the last copy is given out without a look at the word                    (needs FOREIGN)
//   NO_REMAP               what is not proved is not looked for in the file that has the name now   (needs FOREIGN ALONE)
//   STATE_STAYS            a new set of files takes the names from the old one, the state file's too, one by one
//                                                                                              (needs REBUILD)
//   NO_THIRD_LOOK          who opens a path does not look again whether the state file has its name (needs REBUILD)
//   SAME_GENERATIONS       the generations of a new set begin with 1 again                          (needs REBUILD)
//
// Sizes, all of them -D settings of spin: READERS processes (at most 2) of GOROUTINES each (more than 1 only where there
// is one process) on LANES counted slots and OWNS own slots (at most 2 of either), each taking READS snapshots; PUBLICATIONS by
// the writer after the first, GROWTHS of them into a new file for want of room, FAILS of them not completed by the fill of
// an Update; DEATHS of reader 0 at any step, which is then started anew (only where each Reader has one goroutine); CRASHES of the
// writer at any step, adoption included, and after each an adoption; CLOSES 1: the Reader, of which there is one, is
// closed at any step.
//
// Further settings: CROWD: two processes share their counted slot, and have no own ones, as where a registry is full. AGAIN: each snapshot may be released twice. ANNOUNCED: the short way compares the version word with the one of the
// mapping. FORGETS: a snapshot may be forgotten without a Release. And three models that have nothing in common
// with the rest: CRATE; FOREIGN, our writer and the crate's at one path with a reader that copies (ALONE 1 or 2: only the first or the
// second of them); REBUILD, a path that is opened while its files are made anew.
//
// What is checked
//
//   whole      when it is taken and when it is released, a snapshot has the content that its version word announced.
//              A publication writes a file in two halves, so a snapshot taken or held in between is seen as torn.
//              Content never comes back, so two looks are as good as looking all the time.
//   fresh      a snapshot is at least as new as what was current when Acquire began; so no reader ever goes back.
//   mapped     a guard never refers to a mapping that was undone.
//   found      a reader whose slot is not retired always finds the data file of the generation that it looks for, so
//              damage is the only reason for an error.
//   sound      an adopting writer finds the announced content whole, whenever the former one died.
//   counted    a hold is dropped only where there is one, so that a count never wraps.
//   named      the version word and the size that a mapping bears for its guards are theirs until the last Release. (ANNOUNCED)
//   held       the first Release finds its hold, whoever has had the place before.                                  (AGAIN)
//   owned      no slot is touched after the collector has given it back.                                            (CLOSES)
//   lent       the copy that Update lends holds the publication that it says.                                       (FAILS)
//   alone      our writer publishes nothing after another one has.                                                  (FOREIGN)
//   one set    a reader has the state, registry and data files of one set.                                          (REBUILD)
//   Spin itself reports where no process can go on: nobody waits for ever for a reader or for a dead process.
//
// How it corresponds to the code: the functions are named at the steps. Each statement is one step that the others can
// come between; what stands inside atomic or d_step are loads and stores of one process's own variables around at most
// one shared access, or one atomic operation of the code. A reader that is stuck is one that Spin does not let go on;
// a grace time that is over is a choice, open at any time, so all lengths of grace are covered, and waiting as well.
//
// Memory order. Go's atomic operations are sequentially consistent, as steps in Spin are, and content is written before,
// and read after, such operations on the words here. The exception is mmap.StoreRelease, with which Release and an Acquire that leaves
// the short way let go of an own slot. Elsewhere than on amd64 it is such an operation too. There it is a plain store, which waits in
// the processor's store buffer, behind the store of the place's number, while loads that come later in the program go ahead.
// Where a Reader is shared, the model has this buffer for each goroutine (x86-TSO, BUFFER): the two stores come to be
// seen at any time, in their order, but before the goroutine's next locked operation. In between the code loads Reader.latest and
// Reader.spread, and on the way out of the short way the version and the lane, which is what the model lets go ahead. Goroutines that
// follow each other on one processor share its buffer and see each other's stores early: each of them begins its Acquire with an
// exchange, or an addition, which empties the buffer before it does anything. A snapshot that is handed to another goroutine takes a
// locked operation with it. Where a process has one goroutine the buffer changes nothing, and is not there: between the store
// and the next locked operation nobody but itself looks at what it loads, so the store is a step that comes later. A process that is
// killed, or whose memory is collected, has been interrupted, which empties the buffer.
//
// What it leaves out.
//   The Reader of one goroutine looks at the slot and stores Reader.latest in one step, since nobody else has the variable. Where a
//   Reader is shared these are three: the look, the load of latest, and the compare-and-swap.
//   Sizes: a snapshot that does not fit is a choice of the writer to replace the file. The version word is the publication number,
//   whose parity is the index of the data file; the code takes nothing but the index from it to decide, but for
//   the short way, which compares words: ANNOUNCED has that, and without it whatever is of the same index passes, since words
//   of different publications can be equal. That the footer agrees with the word (mapping.recognise) is what whole says.
//   The calls of the system: opening a path is one step, but in REBUILD; a lock is a variable that death gives back.
//   In a shared slot (CROWD) which holds are whose is known to each Reader from its own memory (crowd), which is no step of the protocol: the
//   model's processes have one goroutine, and so nothing but themselves to ask.
//   More than two own slots, two counted ones, two guards: what a goroutine does in one of them is told from the others by the slot's
//   number alone, and two goroutines cannot be in three. The guards of a counted slot are one, and then memory of the guard's own,
//   which nobody else touches; in the code they are 32.
//   An Update that succeeds is to the protocol a publication in place or a replacement.
//   A set of files made anew (Writer.rebuild) has only names in common with the one before. To who has that open its writer has
//   stopped, which is a way of this model; to who opens the new one it is a new path with higher generations. What they could
//   confuse is what REBUILD is about. The registry that was truncated before is none that anybody can go on with: a fault.
//   FOREIGN: the checksum says all there; in the code a mixture passes for the crate's publication once in 2^24. The reader in
//   place is not there: it takes a publication only if the footer agrees with the word, which the crate never writes,
//   and a writer that takes no notice of slots can overwrite what is held. Readers of the crate are not there either.

#ifndef READERS
#define READERS 2
#endif
#ifndef GOROUTINES
#define GOROUTINES 1
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef READS
#define READS 1
#endif
#ifndef PUBLICATIONS
#define PUBLICATIONS 3
#endif
#ifndef GROWTHS
#define GROWTHS 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef OWNS
#define OWNS 1
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef CLOSES
#define CLOSES 0
#endif

// Whether several goroutines have one Reader. Where there is but one, what they share is its own.
#if GOROUTINES + CLOSES > 1
#define SHARED
#define BUFFER
#define SLOTS (LANES + OWNS + 1)
#else
#define SLOTS (2 * READERS)
#endif

// A data file is named by its generation, which is never used twice: 1 and 2 are there at the beginning.
#define FILES (PUBLICATIONS + 3 + CRASHES + FAILS)

#define INDEX(v) ((v) & 1)

#ifndef REBUILD

// The state file.
byte version; // the publication that is current; publication 0 has been made

// The data files: two halves of content, each the number of the publication that wrote it, and which file has the name
// P_data_0 and which P_data_1.
byte left[FILES];
byte right[FILES];
byte path[2];

#define WHOLE(file, v) (left[file] == (v) && right[file] == (v))

#endif

#ifdef CRATE

// The crate's two shared counts, and its steps: synchronizer.rs read and write_raw, state.rs rlock, acquire_next_idx.
byte count[2];

proctype CrateReader() {
	byte v, n;
	do
	:: n < READS ->
		n++;
		v = version;
		count[INDEX(v)]++;
		assert(WHOLE(path[INDEX(v)], v)); // whole, when taken
		d_step {
			assert(WHOLE(path[INDEX(v)], v)); // whole, when released
			count[INDEX(v)]--;
			v = 0
		}
	:: else -> break
	od
}

proctype CrateWriter() {
	byte v;
	do
	:: v < PUBLICATIONS ->
		v++;
		if
		:: count[INDEX(v)] == 0
#ifndef PATIENT
		:: count[INDEX(v)] > 0 -> count[INDEX(v)] = 0 // the grace time is over
#endif
		fi;
		left[path[INDEX(v)]] = v;
		right[path[INDEX(v)]] = v;
		version = v
	:: else -> break
	od
}

init {
	atomic {
		byte j;
		path[0] = 1; path[1] = 2; left[2] = 255; right[2] = 255;
		do
		:: j < READERS -> run CrateReader(); j++
		:: else -> break
		od;
		run CrateWriter()
	}
}

#elif defined(FOREIGN)

// Our writer and the crate's at one path, and a Reader with the option Foreign. A version word is the number of the publication,
// who made it, and the index; a half of a file holds the word of the publication that wrote it.
#define WORD(number, who, index) ((number) << 2 | (who) << 1 | (index))
#define WORDS ((PUBLICATIONS + 2) * 4)

bit theirs;         // the crate's writer has stored a word
byte stored;        // words stored so far
byte order[WORDS];  // the when of each
byte growths;

inline announce(w) { version = w; stored++; order[w] = stored }

proctype OurWriter() {
	byte own = WORD(1, 0, 0), n = 1, x, v, top = 2;
	do
	:: n <= PUBLICATIONS ->
		if
		:: version != own -> break // Writer.check: without it nothing worse comes than a fill for nothing
		:: else
		fi;
		atomic { n++; x = 1 - INDEX(own); v = WORD(n, 0, x) };
		if
		:: left[path[x]] = v;
			right[path[x]] = v
		:: atomic { growths < GROWTHS -> growths++; top++; left[top] = v; right[top] = v }; // Writer.replaceFile
			path[x] = top
		fi;
		if // Writer.announce
#ifdef PLAIN_STORE
		:: d_step { assert(!theirs); announce(v); own = v } // alone
#else
		:: d_step { version == own -> assert(!theirs); announce(v); own = v } // alone
		:: version != own -> break
#endif
		fi
	:: else -> break
	od
}

proctype TheirWriter() {
	byte n, x, v;
	byte maps[2];
	do
	:: n < PUBLICATIONS ->
		atomic { n++; x = 1 - INDEX(version); v = WORD(n, 1, x) };
		if // it maps a file at the first use, and where the content does not fit
		:: maps[x] = path[x]
		:: maps[x] != 0
		fi;
		left[maps[x]] = v;
		right[maps[x]] = v;
		d_step { announce(v); theirs = 1 }
	:: else -> break
	od
}

// foreign.copy: the two halves, and whether the word is the same after it
inline copyOf() {
	l = left[maps[INDEX(v)]];
	h = right[maps[INDEX(v)]];
	same = (version == v)
}

#ifdef NO_PROOF
#define PROVED true
#else
#define PROVED (l == v && h == v) // verifyCopy, with a checksum that says all
#endif

proctype CopyingReader() {
	byte n, v, l, h, latest, floor;
	byte maps[2];
	bit same;
	do
	:: n < READS ->
		atomic { n++; floor = order[version] };
	again:
		v = version;
		if
#ifdef BLIND
		:: latest != 0 -> v = latest
#else
		:: latest == v
#endif
		:: latest != v ->
			if
			:: maps[INDEX(v)] == 0 -> maps[INDEX(v)] = path[INDEX(v)]
			:: else
			fi;
			copyOf();
			if
			:: !same -> goto again
			:: same && PROVED -> latest = v
			:: else ->
#ifndef NO_REMAP
				maps[INDEX(v)] = path[INDEX(v)];
				copyOf();
#endif
				if
				:: !same -> goto again
				:: same && PROVED -> latest = v
				:: else ->
#ifdef ALONE
					assert(false); // found: with one writer there is no damage
#endif
					goto failed // a FormatError
				fi
			fi;
			assert(l == v && h == v) // whole, and a copy that nobody else has
		fi;
		assert(order[v] >= floor); // fresh
	failed:
		atomic { v = 0; l = 0; h = 0; same = 0; floor = 0 }
	:: else -> break
	od
}

init {
	atomic {
		path[0] = 1; path[1] = 2; version = WORD(1, 0, 0); left[1] = version; right[1] = version;
		stored = 1; order[version] = 1;
#if !defined(ALONE) || ALONE == 1
		run OurWriter();
#endif
#if !defined(ALONE) || ALONE == 2
		run TheirWriter();
#endif
		run CopyingReader()
	}
}

#elif defined(REBUILD)

// A Reader is opened, and maps its first data file, while a writer makes the set of files anew. Files are named by the set that
// they were made for. Nothing but the names is shared by two sets: to who has the former one open its writer has stopped.
byte state = 1, registry = 1; // P_state, 0 while it has no name; P_readers
byte data[2] = 1;             // P_data_0, P_data_1

#ifdef SAME_GENERATIONS
#define GENERATION(set, i) (1 + (i))
#else
#define GENERATION(set, i) (2 * (set) + (i))
#endif

active proctype Rebuilder() {
	byte set = 1;
	do
	:: set < 3 ->
		set++;
#ifndef STATE_STAYS
		state = 0;
#endif
		registry = set; // with the generations that its files will have
		data[0] = set;
		data[1] = set;
		state = set
	:: else -> break
	od
}

active proctype Opener() {
	byte s, k, i, d, tries;
	do
	:: atomic { tries < 4 -> tries++; s = state }; // tryOpen
		if
		:: s == 0 -> goto next
		:: else
		fi;
		k = registry;
#ifndef NO_THIRD_LOOK
		if
		:: state != s -> goto next
		:: else
		fi;
#endif
		assert(k == s); // one set
		if // the data file that the version word names
		:: i = 0
		:: i = 1
		fi;
		d = data[i]; // openData
		if
		:: GENERATION(d, i) == GENERATION(k, i) -> assert(d == s) // one set
		:: else // maxRemaps later an error: the path was made anew
		fi;
	next:
		skip
	:: tries == 4 -> break
	od
}

#else

// The registry. A slot's word is packed as in slot.go, in fewer bits: holds on data file 0, holds on data file 1,
// retired. So a statement on a word is one atomic operation.
byte generation[2];
byte word[SLOTS];
byte used; // the number of slots that the writer looks at
byte owner[SLOTS]; // the byte lock: 1 + the reader that has it, 0 if none has

#define ONE(i)      (1 << (3 * (i)))
#define NONE        255
#define HOLDS(w, i) (((w) >> (3 * (i))) & 7)
#define RETIRED     64

#ifdef RETIRED_FIRST
#define SEEN_RETIRED false // remap's own look at the bit comes after the generation, so it is one too late as well
#else
#define SEEN_RETIRED (word[s] & RETIRED)
#endif

// What the goroutines of a Reader share.
byte slot[READERS * LANES]; // client.lanes; a goroutine of the model keeps to its lane
byte own[READERS * OWNS];   // client.own
byte latest[READERS];       // Reader.latest: the generation of the mapping that the short way tries, 0 if none, or CLOSED
bit latestIndex[READERS];   // which data file that is
byte current[READERS * 2];  // client.current: the generation that is mapped, 0 if none
bit dead[READERS];
#ifdef CROWD
bit alone; // who has locked the shared slot has it to himself
#endif
bit crashed;

#define CLOSED 255
#define OWN(s) (own[r * OWNS] == (s) || own[r * OWNS + OWNS - 1] == (s))

#ifdef SHARED
bit locked;              // client.mu
byte waiting[SLOTS * 2]; // slot.waiting
byte pending[FILES];     // client.stale: for a replaced file, the slots (bits) not yet seen without a hold
bit indexOf[FILES];
bit ended[FILES];        // mapping.ended
bit unmapped[FILES];
#define MAPPED(file) (!unmapped[file])
#ifdef NOT_ENDED
#define ENDED(file)  false
#else
#define ENDED(file)  (ended[file])
#endif

#if CLOSES > 0
bit withdrawn;    // Reader.client is nil
bit closed;       // client.closed
byte references;  // goroutines from which the client can be reached
bit abandoned;    // the collector has given the slots back
#endif

#ifdef AGAIN
byte serial[FILES * OWNS];  // guard.serial of a mapping's place in an own slot
byte placeOf[SLOTS];        // and of the one place that a counted slot has here; further guards are allocated
#endif

#ifdef ANNOUNCED
byte announced[FILES]; // mapping.announced
#endif

// The store buffer of the processor that a goroutine is on (x86-TSO): the plain stores of a Release in an own slot that
// others do not see yet, first that of the place's serial number (2), then that of the word (1). An operation that locks waits
// until they are seen. The goroutine's own loads see them at once, but there is none before its next such operation.
#ifdef BUFFER
byte owed[GOROUTINES];
byte owedSlot[GOROUTINES];
#ifdef HOLD_STORED
bit owedHold[GOROUTINES];
#endif
#ifdef AGAIN
byte owedPlace[GOROUTINES];
#endif
#define DRAINED (owed[me] == 0)
#else
#define DRAINED true
#endif

#else
#define DRAINED true
#define MAPPED(file) true
#define ENDED(file)  (current[2 * r + i] != (file)) // in one step with the exchange: nobody is there to come between
#endif

// Who can see a file that has lost its name. Content that nobody can see is wiped, so that histories that differ in
// nothing else meet in one state.
#define MAPS(r, file) (current[2 * (r)] == (file) || current[2 * (r) + 1] == (file))
inline forget(file) {
	if
	:: path[0] == file || path[1] == file || MAPS(0, file) || MAPS(READERS - 1, file)
#ifdef SHARED
	:: locked || pending[file] != 0
#endif
	:: else -> left[file] = 0; right[file] = 0
	fi
}

#if CLOSES > 0
#define OWNED assert(!abandoned) // owned
#else
#define OWNED skip
#endif

// slot.hold and slot.drop
inline hold(index) {
#if CLOSES > 0
	d_step { OWNED; word[s] = word[s] + ONE(index) }
#else
	word[s] = word[s] + ONE(index)
#endif
}
inline drop(index) {
	d_step {
#if CLOSES > 0
		OWNED;
#endif
		assert(HOLDS(word[s], index) > 0); // counted
		word[s] = word[s] - ONE(index)
	}
}

#ifndef SHARED

// client.mapping and remap: return d, 0 if the slot was seen retired. What it replaces is unmapped at once, since the
// only goroutine of the Reader is here and refers to no mapping.
inline mapping() {
	atomic { d = current[2 * r + i]; g = generation[i] };
	do
	:: atomic { d == g -> g = 0 }; break
	:: atomic { d != g && SEEN_RETIRED -> d = 0; g = 0 }; break
	:: d != g && !SEEN_RETIRED ->
		atomic { // openData
			if
			:: path[i] == g ->
				d_step { d = current[2 * r + i]; current[2 * r + i] = g; forget(d); d = g }
			:: else -> assert(word[s] & RETIRED) // found: so the next round ends it
			fi
		};
		if
		:: d != g -> g = generation[i]
		:: else
		fi
	od
}

#ifdef CROWD

// registry.joinSlot, of the one slot that Readers share here, which is never claimed: k, or NONE. Who finds it without an owner has
// it to himself for a moment.
inline join() {
	if
	:: atomic { owner[0] == 0 && !alone -> alone = 1; owner[0] = r + 1 };
		word[0] = 0;
		atomic { alone = 0; k = 0 }
	:: atomic { owner[0] != 0 && !alone -> owner[0] = owner[0] | (r + 1); k = 0 };
#ifdef JOIN_CLEARS
		word[0] = 0
#endif
	:: atomic { alone -> k = NONE }
	fi;
	if
	:: k == 0 && (word[0] & RETIRED) ->
		if
		:: atomic { word[0] == RETIRED -> word[0] = 0 }
		:: atomic { word[0] != RETIRED -> owner[0] = owner[0] & ~(r + 1); k = NONE }
		fi
	:: else
	fi;
	if
	:: k == 0 -> raise(0)
	:: else
	fi
}

// client.renew: others may hold the slot, and then it is another one.
inline renew() {
	if
#ifdef DROP_ON_RECLAIM
	:: word[s] & RETIRED -> word[s] = word[s] - RETIRED
#else
	:: atomic { word[s] == RETIRED -> word[s] = 0 }
#endif
	:: word[s] != RETIRED ->
		claim();
		atomic {
			if
			:: k != NONE -> slot[r * LANES + lane] = k
			:: else
			fi;
			s = k; k = 0
		}
	fi
}

#else

// client.renew: another slot in the place of the retired s. Nobody else holds this one, so it is reclaimed.
inline renew() {
	atomic { assert(word[s] == RETIRED); word[s] = 0 }
}

#endif

#else

// client.sweep of the replaced mappings of data file j, with mu held: slot.usesMapping loads the number of goroutines
// that wait, then the word.
inline sweep(j) {
	k = 0;
	do
	:: atomic { k < SLOTS -> f = waiting[2 * k + j] };
		d_step {
			w = (HOLDS(word[k], j) > f);
#ifdef SWEEP_WITHOUT_HOLDS
			w = 0;
#endif
			f = 0;
			do
			:: f < FILES ->
				if
				:: !w && indexOf[f] == j && (pending[f] & (1 << k)) ->
					pending[f] = pending[f] & ~(1 << k);
					if
					:: pending[f] == 0 -> unmapped[f] = 1
					:: else
					fi
				:: else
				fi;
				f++
			:: else -> break
			od;
			k++; f = 0; w = 0
		}
	:: atomic { k == SLOTS -> k = 0 }; break
	od
}

// client.retireMapping: the exchange of the pointer, then the mark. The slots of this Reader are noted; they do not
// change while mu is held.
inline retireMapping() {
	d_step {
		f = current[2 * r + i];
		if
		:: f != 0 ->
			k = 0;
			do
			:: k < SLOTS ->
				if
				:: owner[k] == r + 1 -> pending[f] = pending[f] | (1 << k)
				:: else
				fi;
				k++
			:: else -> break
			od;
			k = 0
		:: else
		fi;
		current[2 * r + i] = d; indexOf[d] = i
	};
	d_step {
		if
		:: f != 0 -> ended[f] = 1
		:: else
		fi;
		f = 0
	}
}

// client.mapping and remap: return d, 0 if the slot was seen retired.
inline mapping() {
	d = current[2 * r + i];
	if
	:: d != 0 && d == generation[i]
	:: else ->
		waiting[2 * s + i]++;
		atomic { !locked -> locked = 1 };
		do
#if CLOSES > 0
		:: atomic { closed -> d = 0 }; break // ErrClosed
		:: !closed ->
#else
		:: true ->
#endif
			g = generation[i];
			if
			:: atomic { current[2 * r + i] == g -> d = g }; break
			:: atomic { current[2 * r + i] != g && SEEN_RETIRED -> d = 0 }; break
			:: atomic { current[2 * r + i] != g && !SEEN_RETIRED -> d = 0 };
				d = path[i]; // openData
				if
				:: d == g -> sweep(i); retireMapping(); sweep(i); break
				:: atomic { else -> assert(word[s] & RETIRED) } // found: so the next round ends it
				fi
			fi
		od;
		waiting[2 * s + i]--;
		atomic { locked = 0; g = 0 }
	fi
}

#if CLOSES > 0
#define OPEN !closed
#else
#define OPEN true
#endif

#define GIVEN_UP(k) (owner[k] == r + 1 && !OWN(k) && slot[r * LANES] != (k) && slot[r * LANES + LANES - 1] != (k))
// client.renew: another slot in the place of the retired s; NONE if there is none, or the Reader is closed.
inline renew() {
	atomic { !locked -> locked = 1 };
	if
#if CLOSES > 0
	:: atomic { closed -> s = NONE }
#endif
	:: atomic { OPEN && slot[r * LANES + lane] != s -> s = slot[r * LANES + lane] } // another goroutine was faster
	:: atomic { OPEN && slot[r * LANES + lane] == s -> k = 0 };
		sweep(0); sweep(1);
		if // slot.reclaim: compare and swap
#ifdef DROP_ON_RECLAIM
		:: word[s] & RETIRED -> word[s] = word[s] - RETIRED
#else
		:: atomic { word[s] == RETIRED -> word[s] = 0 }
#endif
		:: atomic { else -> k = 0 };
			do // those that this Reader gave up before
			:: atomic { k < SLOTS && GIVEN_UP(k) && word[k] == RETIRED -> word[k] = 0 }; break
			:: atomic { k < SLOTS && !(GIVEN_UP(k) && word[k] == RETIRED) -> k++ }
			:: k == SLOTS -> claim(); break
			od;
			atomic {
				s = k; k = 0;
				if
				:: s != NONE -> slot[r * LANES + lane] = s
				:: else
				fi
			}
		fi
	fi;
	locked = 0
}

#endif

// registry.raise: compare and swap
inline raise(k) {
	if
	:: atomic { used <= k -> used = k + 1 }
	:: used > k
	fi
}

// registry.claim: the lock, then the store, then the number of slots that the writer looks at.
inline claim() {
	atomic {
#ifdef CROWD
		k = 1;
#else
		k = 0;
#endif
		do
		:: k < SLOTS && owner[k] != 0 -> k++
		:: k < SLOTS && owner[k] == 0 -> owner[k] = r + 1; break
		:: k == SLOTS -> k = NONE; break
		od
	};
	if
	:: k != NONE ->
		word[k] = 0;
#ifndef LATE_RAISE
		raise(k)
#endif
	:: else
	fi
}

#ifdef BUFFER

// What is in the store buffers comes to be seen, in its order, at any time.
inline flush(who) {
	if
#ifdef HOLD_STORED
	:: owed[who] == 3 -> word[owedSlot[who]] = ONE(owedHold[who]); owed[who] = 0; owedSlot[who] = 0; owedHold[who] = 0
#endif
#ifdef SERIAL_LATE
	:: owed[who] == 2 -> word[owedSlot[who]] = 0; owed[who] = 1
	:: owed[who] == 1 -> serial[owedPlace[who]]++; owed[who] = 0; owedSlot[who] = 0; owedPlace[who] = 0
#else
#ifdef AGAIN
	:: owed[who] == 2 -> serial[owedPlace[who]]++; owed[who] = 1; owedPlace[who] = 0
#endif
	:: owed[who] == 1 -> word[owedSlot[who]] = 0; owed[who] = 0; owedSlot[who] = 0
#endif
	fi
}

proctype Buffers() {
end:
	do
	:: d_step { owed[0] > 0 -> flush(0) }
#if GOROUTINES > 1
	:: d_step { owed[1] > 0 -> flush(1) }
#endif
	od
}

// mmap.StoreRelease of 0 to an own slot
inline storeRelease() { owed[me] = 1; owedSlot[me] = s }
#else
inline storeRelease() { word[s] = 0 }
#endif

// refer and dereference are around what a goroutine does with what the client is reachable from.
#if CLOSES > 0
inline refer() {
	if
	:: !refers -> refers = 1; references++
	:: else
	fi
}
inline dereference() {
	if
	:: refers -> refers = 0; references--
	:: else
	fi
}
#else
#define dereference() skip
#endif

#ifdef AGAIN
#define PLACE(d, s) ((d) * OWNS + (own[r * OWNS] != (s)))

// Release of the snapshot that the goroutine released last; the own stores in the buffer are seen by itself.
inline releaseAgain() {
	if
	:: OWN(gs) && serial[PLACE(gd, gs)] == gm && owed[me] < 2 -> word[gs] = 0
	:: !OWN(gs) && placeOf[gs] == gm ->
		assert(HOLDS(word[gs], indexOf[gd]) > 0); // counted
		word[gs] = word[gs] - ONE(indexOf[gd])
	:: else
	fi;
	gd = 0; gs = 0; gm = 0
}
#endif

proctype Goroutine(byte r, lane, me) {
	byte s, i, v, d, g, k, n, floor;
#ifdef SHARED
	byte f; bit w;
#endif
#if CLOSES > 0
	bit refers;
#endif
#ifdef AGAIN
	byte m;          // the number of the hold at its place, NONE if that was allocated
	byte gd, gs, gm; // of the snapshot that was released last: mapping, slot and number
#endif
#ifdef FORGETS
	byte fd, fv;     // of one that was forgotten: mapping and version
#endif
	{
#ifdef SHARED
		goto opened; // only one of them opens the Reader
#else
		skip;
#endif
	opening: // OpenReader
#ifdef CROWD
		join();
		if
		:: k == NONE -> claim()
		:: else
		fi;
#else
		claim();
#endif
		if
		:: k == NONE -> goto opened // ErrNoSlot: the end
		:: else -> atomic { slot[r * LANES + lane] = k; k = 0 }
		fi;
#ifdef CROWD
		goto opened; // without an own slot, and so without the short way
#endif
		claim();
		if
		:: k == NONE -> goto opened // ErrNoSlot: the end
		:: else -> atomic { own[r] = k; k = 0 }
		fi;
	opened:
		do
#ifdef AGAIN
		:: atomic { gd != 0 -> releaseAgain() }
#endif
#ifdef FORGETS
		:: atomic { fd != 0 -> assert(MAPPED(fd) && WHOLE(fd, fv)); fd = 0; fv = 0 } // whole, though it was forgotten
#endif
		:: k != NONE && n < READS ->
			// Reader.Acquire. A version of the same index passes for the same here: the code compares words, and words
			// of different publications can be equal.
			atomic {
				n++; floor = version; d = latest[r]; i = latestIndex[r];
#if CLOSES > 0
				if
				:: d == CLOSED -> d = 0 // closedMapping, whose guards cannot be taken
				:: d != 0 && d != CLOSED -> refer()
				:: else
				fi;
#endif
#if OWNS > 1
				if // whatever Reader.spread and the hash of the stack say
				:: s = own[r * OWNS]
				:: s = own[r * OWNS + 1]
				fi
#else
				s = own[r]
#endif
			};
			if
			:: d != 0 ->
				if // the exchange
#ifdef OWN_ADDED
				:: hold(i);
#else
#ifdef HOLD_STORED
				:: atomic { DRAINED && word[s] == 0 -> owed[me] = 3; owedSlot[me] = s; owedHold[me] = i };
#else
				:: atomic { DRAINED && word[s] == 0 -> hold(i) };
#endif
#endif
					v = version;
#ifdef MAPPING_LATE
					atomic {
						if
						:: latestIndex[r] == i -> d = latest[r]
						:: else
						fi
					};
#endif
					if
					:: INDEX(v) != i -> goto other
					:: else
					fi;
#ifdef ANNOUNCED
					if
					:: announced[d] != v -> goto other
					:: else
					fi;
#endif
#ifndef OWN_ANY_GENERATION
					if
					:: generation[i] != d -> goto other
					:: else
					fi;
#endif
					atomic {
						if
						:: ENDED(d) -> goto other
						:: else
						fi;
#ifdef AGAIN
						m = serial[PLACE(d, s)] // nobody else has the slot, and so the place
#endif
					};
					goto mine;
				other:
					atomic { storeRelease(); d = 0; v = 0; i = 0 }
#ifdef SHARED
				:: atomic { DRAINED && word[s] != 0 -> d = 0; i = 0 };
					if // slot.contended
					:: atomic { word[s] == RETIRED -> word[s] = 0 }
					:: word[s] != RETIRED
					fi
#else
				:: atomic { word[s] == RETIRED -> word[s] = 0; d = 0; i = 0 } // slot.contended
				:: atomic { word[s] != 0 && word[s] != RETIRED -> d = 0; i = 0 }
#endif
				fi
			:: atomic { else -> i = 0 }
			fi;
			// Reader.acquireElsewhere
#if CLOSES > 0
			if
			:: atomic { withdrawn -> s = 0; floor = 0; dereference(); goto opened } // ErrClosed
			:: atomic { !withdrawn -> refer() }
			fi;
#endif
#ifdef SHARED
			s = slot[r * LANES + lane];
			atomic { v = version; i = INDEX(v) };
			atomic { DRAINED -> hold(i) };
#else
			atomic { s = slot[r * LANES + lane]; v = version; i = INDEX(v) };
			hold(i);
#endif
#ifndef NO_SECOND_LOOK
			v = version;
#endif
#ifdef LATE_RAISE
			raise(s);
#endif
		settle: // client.settle
			// client.follow
			if
			:: INDEX(v) == i
			:: atomic { INDEX(v) != i -> hold(1 - i) };
				v = version;
				atomic { drop(1 - INDEX(v)); i = INDEX(v) }
			fi;
#ifdef RETIRED_FIRST
			if
			:: word[s] & RETIRED -> goto retired
			:: else
			fi;
			mapping();
#else
			mapping();
#ifdef SHARED
			if
			:: word[s] & RETIRED -> goto retired
			:: else
			fi;
#endif
#endif
#ifdef SHARED
#if CLOSES > 0
			if
			:: atomic { d == 0 -> drop(i); v = 0; i = 0; s = 0; floor = 0; dereference(); goto opened } // ErrClosed
			:: else
			fi;
#endif
#ifdef ANNOUNCED
			announced[d] = v; // mapping.recognise
#endif
			k = latest[r];
			if
			:: atomic { k != d && k != CLOSED && latest[r] == k -> latest[r] = d; latestIndex[r] = i; k = 0 }
			:: atomic { !(k != d && k != CLOSED && latest[r] == k) -> k = 0 }
			fi;
#ifdef AGAIN
			atomic { // slot.snapshot
				if
				:: !(placeOf[s] & 1) -> placeOf[s]++; m = placeOf[s]
				:: else -> m = NONE
				fi
			};
#endif
#else
			// Nobody else looks at what the processes do not share, so it changes in one step with the look at the slot.
			atomic {
#ifndef RETIRED_FIRST
				if
				:: word[s] & RETIRED -> goto retired
				:: else
				fi;
#endif
#ifndef CROWD
				latest[r] = d; latestIndex[r] = i
#endif
			};
#endif
		mine:
			atomic {
				assert(d != 0 && MAPPED(d)); // mapped
				assert(WHOLE(d, v));         // whole, when taken
				assert(v >= floor);          // fresh
				floor = 0
			};
#ifdef FORGETS
			if
			:: atomic { fd == 0 -> fd = d; fv = v; v = 0; d = 0; i = 0; s = 0; dereference(); goto opened }
			:: true
			fi;
#endif
#ifdef AGAIN
			d_step {
				assert(m == NONE || !OWN(s) || serial[PLACE(d, s)] == m); // held
				assert(m == NONE || OWN(s) || placeOf[s] == m);           // held
				if
				:: m != NONE -> gd = d; gs = s; gm = m
				:: else
				fi;
#ifndef NO_SERIAL
				if // seen with the subtraction, which locks, or before
				:: m != NONE && !OWN(s) -> placeOf[s]++
				:: else
				fi;
#endif
				m = 0
			};
#endif
			d_step { // Snapshot.Release
				assert(MAPPED(d));   // mapped
				assert(WHOLE(d, v)); // whole, when released
#ifdef ANNOUNCED
				assert(announced[d] == v); // named
#endif
				assert(HOLDS(word[s], i) > 0);
				if
				:: OWN(s) ->
					storeRelease();
#ifdef AGAIN
#ifndef NO_SERIAL
					owed[me] = 2; owedPlace[me] = PLACE(d, s)
#endif
#endif
				:: else -> word[s] = word[s] - ONE(i)
				fi;
				v = 0; d = 0; i = 0; s = 0;
				dereference()
			};
			goto opened;
		retired:
			atomic { d = 0; v = 0; drop(i); i = 0 };
			renew();
#if defined(SHARED) || defined(CROWD)
			if
			:: atomic { s == NONE -> s = 0; floor = 0; k = 0; dereference(); goto opened } // ErrNoSlot, ErrClosed
			:: else
			fi;
#endif
			i = INDEX(version);
			atomic { hold(i) };
			v = version;
			goto settle
		:: else -> break
		od
	} unless { dead[r] };
	// The process is dead, and another one of its kind is started.
#ifndef SHARED
	if
	:: dead[r] ->
		d_step {
			s = 0; i = 0; v = 0; d = 0; g = 0; k = 0; floor = 0; latest[r] = 0; latestIndex[r] = 0;
			v = current[2 * r]; current[2 * r] = 0; forget(v);
			v = current[2 * r + 1]; current[2 * r + 1] = 0; forget(v);
			v = 0; dead[r] = 0
		};
		goto opening
	:: else
	fi
#endif
}

#if CLOSES > 0

// Reader.Close, and then the collector.
proctype Closer() {
	byte r, i, d, k, f; bit w;
	withdrawn = 1;
	latest[0] = CLOSED;
	atomic { !locked -> locked = 1 };
	closed = 1;
	retireMapping();
	atomic { i = 1 };
	retireMapping();
	sweep(0); sweep(1);
	locked = 0;
	// sharedMemory.leave, once nothing leads to the client. A collection stops all processors, which empties their store buffers.
#ifdef COLLECT_EARLY
	d_step {
#else
	d_step { references == 0 && owed[0] == 0 && owed[GOROUTINES - 1] == 0 ->
#endif
		i = 0; k = 0;
		do
		:: k < SLOTS ->
			if
			:: owner[k] == 1 && HOLDS(word[k], 0) + HOLDS(word[k], 1) > 0 -> w = 1 // forgotten
			:: else
			fi;
			k++
		:: else -> break
		od;
#ifdef LEAVE_FORGOTTEN
		w = 0;
#endif
		k = 0;
		do
		:: k < FILES && !w ->
			if
			:: pending[k] != 0 -> pending[k] = 0; unmapped[k] = 1
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0;
		do
		:: k < SLOTS && !w ->
			if
			:: owner[k] == 1 -> owner[k] = 0
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0; abandoned = !w; w = 0
	}
}

#endif

// Writer.replaceFile. The draft has no name and so is nobody's business; the rename and the store of the generation
// are steps. Where the draft fails, a generation was used for nothing.
inline replaceFile() {
#if FAILS > 0
	if
	:: atomic { fails < FAILS -> fails++; top++; v = 0; x = 0; goto serving }
	:: true
	fi;
	holds[x] = v + 1;
#endif
	d_step { top++; left[top] = v; right[top] = v; data[x] = top; replace[x] = 0 };
	d_step { k = path[x]; path[x] = top; forget(k); k = 0 };
#ifndef FORGET_GENERATION
	generation[x] = top
#endif
}

proctype Writer() {
	byte v, now, x, k, u, growths, top = 2;
	byte data[2];  // Writer.data, 0 if the file in place must not be written to
	bit replace[2];
#if FAILS > 0
	byte fails;
	byte holds[2]; // dataFile.content: 1 + the publication that the file is known to hold, 0 if it is of no use
	holds[0] = 1;
#endif
	d_step { data[0] = 1; data[1] = 2 };
	{
		goto serving;
	adopting: // Writer.adopt; nothing is left of what the former writer knew
		skip;
		d_step {
			now = 0; v = 0; x = 0; k = 0; u = 0;
			top = path[0]; // highestGeneration
			if :: path[1] > top -> top = path[1] :: else fi;
			if :: generation[0] > top -> top = generation[0] :: else fi;
			if :: generation[1] > top -> top = generation[1] :: else fi;
			now = version;
			assert(WHOLE(path[INDEX(now)], now)); // sound
			data[0] = path[0]; data[1] = path[1]; replace[0] = 0; replace[1] = 0;
#if FAILS > 0
			holds[0] = 0; holds[1] = 0; holds[INDEX(now)] = now + 1
#endif
		};
#ifndef ADOPT_NO_GENERATION
		generation[0] = path[0];
		generation[1] = path[1];
#endif
#ifndef REUSE_ON_ADOPTION
		u = used;
		do // Writer.abandoned
		:: atomic { k < u && !(word[k] & RETIRED) -> k++ }
		:: atomic { k < u && (word[k] & RETIRED) && owner[k] == 0 -> word[k] = 0; k++ }
		:: atomic { k < u && (word[k] & RETIRED) && owner[k] != 0 -> replace[0] = 1; replace[1] = 1; k++ }
		:: atomic { k == u -> k = 0; u = 0 }; break
		od;
#endif
	serving:
		do
		:: now < PUBLICATIONS ->
			// Writer.Publish
			atomic { v = now + 1; x = INDEX(v); u = used };
			// Writer.drain: slot by slot it is seen that the slot does not hold x, or clearIfDead clears it, or the grace
			// time ends and giveUp retires it. Between the look at the word and the retired bit the word can change.
			do
			:: atomic { k < u && (HOLDS(word[k], x) == 0 || (word[k] & RETIRED)) -> k++ }
			:: atomic { k < u && HOLDS(word[k], x) > 0 && !(word[k] & RETIRED) && owner[k] == 0 -> word[k] = 0; k++ }
			:: k < u && HOLDS(word[k], x) > 0 && !(word[k] & RETIRED) ->
				d_step {
					word[k] = word[k] | RETIRED;
					replace[x] = 1;
#ifndef MARK_ONLY_X
					replace[1 - x] = 1;
#endif
					k++
				}
			:: atomic { k == u -> k = 0; u = 0 }; break
			od;
			// Writer.fill: in place, or a new file where it is marked, or by choice for a content that does not fit
			if
			:: data[x] != 0 && !replace[x] ->
#if FAILS > 0
				d_step { // Writer.Update: fill brings forward what it is told that the copy holds
					assert(holds[x] == 0 || WHOLE(data[x], holds[x] - 1)); // lent
#ifndef KEEP_HOLDS
					holds[x] = 0
#endif
				};
				if // fill fails, and leaves something
				:: atomic { fails < FAILS -> fails++; left[data[x]] = 254; v = 0; x = 0; goto serving }
				:: true
				fi;
#endif
				left[data[x]] = v;
				right[data[x]] = v;
#if FAILS > 0
				holds[x] = v + 1
#endif
			:: data[x] == 0 || replace[x] -> replaceFile()
			:: atomic { data[x] != 0 && !replace[x] && growths < GROWTHS -> growths++ }; replaceFile()
			fi;
			atomic { version = v; now = v; v = 0; x = 0 }
		:: else -> break
		od
	} unless { crashed };
	if
	:: crashed -> crashed = 0; goto adopting
	:: else
	fi
}

// What ends a process from outside, at any moment. Byte locks go with their process.
proctype Killer() {
	byte deaths, crashes, k;
	do
	:: deaths < DEATHS ->
		d_step {
			deaths++; dead[0] = 1; k = 0;
#ifdef CROWD
			if
			:: owner[0] == 1 -> alone = 0
			:: else
			fi;
#endif
			do
			:: k < SLOTS ->
				if
				:: owner[k] & 1 -> owner[k] = owner[k] & 2 // reader 0
				:: else
				fi;
				k++
			:: else -> break
			od
		}
	:: crashes < CRASHES -> d_step { crashes++; crashed = 1 }
	:: break
	od
}

init {
	atomic {
		byte j;
		path[0] = 1; path[1] = 2; generation[0] = 1; generation[1] = 2; left[2] = 255; right[2] = 255;
		do
#ifdef SHARED
		:: j < LANES + OWNS ->
			owner[j] = 1; used = j + 1;
			if
			:: j < LANES -> slot[j] = j
			:: else -> own[j - LANES] = j
			fi;
			j++
#endif
		:: else -> break
		od;
		// Readers begin with the first file mapped, as after a snapshot, so that the short way is open.
		j = 0;
		do
		:: j < READERS ->
			current[2 * j] = 1;
#ifdef CROWD
			own[j] = NONE;
#else
			latest[j] = 1;
#endif
			j++
		:: else -> break
		od;
		j = 0;
		do
		:: j < READERS * GOROUTINES -> run Goroutine(j / GOROUTINES, j % LANES, j % GOROUTINES); j++
		:: else -> break
		od;
#ifdef BUFFER
		run Buffers();
#endif
#if CLOSES > 0
		run Closer();
#endif
		run Writer();
		if
		:: DEATHS + CRASHES > 0 -> run Killer()
		:: else
		fi
	}
}

#endif
