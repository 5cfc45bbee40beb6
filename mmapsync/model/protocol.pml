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
//   MARK_ONLY_X            a writer that gives up replaces only the data file that it waited for
//   NO_SECOND_LOOK         the reader takes its hold, and trusts the version that it had loaded before
//   REUSE_ON_ADOPTION      a writer that adopts does not replace what is there, though a slot is retired   (needs CRASHES)
//   FORGET_GENERATION      a replacement does not store the new generation
//   ADOPT_NO_GENERATION    a writer that adopts does not store the generations of the files that it finds  (needs CRASHES)
//   LATE_RAISE             a reader raises the number of slots that the writer looks at after its first hold, not before
//   DROP_ON_RECLAIM        a retired slot is taken into use again while holds are left on it   (needs GOROUTINES 2)
//   SWEEP_WITHOUT_HOLDS    a replaced mapping is unmapped at once                              (needs GOROUTINES 2)
//
// Sizes, all of them -D settings of spin: READERS processes (at most 2) of GOROUTINES each (more than 1 only where there
// is one process) on LANES counted slots (at most 2) and one own slot, each taking READS snapshots; PUBLICATIONS by the writer after the first,
// GROWTHS of them into a new file for want of room; DEATHS of reader 0 at any step, which is then started anew (only with
// one goroutine); CRASHES of the writer at any step, adoption included, and after each an adoption.
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
//   Spin itself reports where no process can go on: nobody waits for ever for a reader or for a dead process.
//
// How it corresponds to the code: the functions are named at the steps. Each statement is one step that the others can
// come between; what stands inside atomic or d_step are loads and stores of one process's own variables around at most
// one shared access, or one atomic operation of the code. A reader that is stuck is one that Spin does not let go on;
// a grace time that is over is a choice, open at any time, so all lengths of grace are covered, and waiting as well.
//
// What it leaves out. Memory order: Go's atomic operations are sequentially consistent, as steps in Spin are, and
// content is written before, and read after, such operations on the words here. Sizes: a snapshot that does not fit is
// a choice of the writer to replace the file. The version word is the publication number, whose parity is the index of
// the data file; the code takes nothing but the index from it to decide. The calls of the system: opening a path is one
// step; a lock is a variable that death gives back. Readers of the crate beside ours, Update (to the protocol it is a
// publication in place or a replacement), Reader.Close (for the sake of which the short way looks whether the mapping has
// ended: here the generation says as much), and a set of files made anew by build or rebuild.

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
#if GOROUTINES > 1
#define SLOTS (LANES + 2)
#else
#define SLOTS (2 * READERS)
#endif

// A data file is named by its generation, which is never used twice: 1 and 2 are there at the beginning.
#define FILES (PUBLICATIONS + 3 + CRASHES)

#define INDEX(v) ((v) & 1)

// The state file.
byte version; // the publication that is current; publication 0 has been made

// The data files: two halves of content, each the number of the publication that wrote it, and which file has the name
// P_data_0 and which P_data_1.
byte left[FILES];
byte right[FILES];
byte path[2];

#define WHOLE(file, v) (left[file] == (v) && right[file] == (v))

#ifdef CRATE

// The crate's two shared counts, and its steps: synchronizer.rs read and write_raw, state.rs rlock, acquire_next_idx.
byte count[2];

active [READERS] proctype CrateReader() {
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

active proctype CrateWriter() {
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

init { d_step { path[0] = 1; path[1] = 2; left[2] = 255; right[2] = 255 } }

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
byte own[READERS];          // client.own
byte latest[READERS];       // Reader.latest: the generation of the mapping that the short way tries, 0 if none
bit latestIndex[READERS];   // which data file that is
byte current[READERS * 2];  // client.current: the generation that is mapped, 0 if none
bit dead[READERS];
bit crashed;

#if GOROUTINES > 1
bit locked;              // client.mu
byte waiting[SLOTS * 2]; // slot.waiting
byte pending[FILES];     // client.stale: for a replaced file, the slots (bits) not yet seen without a hold
bit indexOf[FILES];
bit ended[FILES];        // mapping.ended
bit unmapped[FILES];
#define MAPPED(file) (!unmapped[file])
#define ENDED(file)  (ended[file])
#else
#define MAPPED(file) true
#define ENDED(file)  (current[2 * r + i] != (file)) // in one step with the exchange: nobody is there to come between
#endif

// Who can see a file that has lost its name. Content that nobody can see is wiped, so that histories that differ in
// nothing else meet in one state.
#define MAPS(r, file) (current[2 * (r)] == (file) || current[2 * (r) + 1] == (file))
inline forget(file) {
	if
	:: path[0] == file || path[1] == file || MAPS(0, file) || MAPS(READERS - 1, file)
#if GOROUTINES > 1
	:: locked || pending[file] != 0
#endif
	:: else -> left[file] = 0; right[file] = 0
	fi
}

// slot.hold and slot.drop
inline hold(index) { word[s] = word[s] + ONE(index) }
inline drop(index) {
	d_step {
		assert(HOLDS(word[s], index) > 0); // counted
		word[s] = word[s] - ONE(index)
	}
}

#if GOROUTINES == 1

// client.mapping and remap: gives d, 0 if the slot was seen retired. What it replaces is unmapped at once, since the
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

// client.renew: another slot in the place of the retired s. Nobody else holds this one, so it is reclaimed.
inline renew() {
	atomic { assert(word[s] == RETIRED); word[s] = 0 }
}

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

// client.mapping and remap: gives d, 0 if the slot was seen retired.
inline mapping() {
	d = current[2 * r + i];
	if
	:: d != 0 && d == generation[i]
	:: else ->
		waiting[2 * s + i]++;
		atomic { !locked -> locked = 1 };
		do
		:: true ->
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

#define GIVEN_UP(k) (owner[k] == r + 1 && own[r] != (k) && slot[r * LANES] != (k) && slot[r * LANES + LANES - 1] != (k))
// client.renew: another slot in the place of the retired s; NONE if there is none.
inline renew() {
	atomic { !locked -> locked = 1 };
	if
	:: atomic { slot[r * LANES + lane] != s -> s = slot[r * LANES + lane] } // another goroutine was faster
	:: atomic { slot[r * LANES + lane] == s -> k = 0 };
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
		k = 0;
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

proctype Goroutine(byte r, lane) {
	byte s, i, v, d, g, k, n, floor;
#if GOROUTINES > 1
	byte f; bit w;
#endif
	{
#if GOROUTINES > 1
		goto opened; // only one of them opens the Reader
#else
		skip;
#endif
	opening: // OpenReader
		claim();
		if
		:: k == NONE -> goto opened // ErrNoSlot: the end
		:: else -> atomic { slot[r * LANES + lane] = k; k = 0 }
		fi;
		claim();
		if
		:: k == NONE -> goto opened // ErrNoSlot: the end
		:: else -> atomic { own[r] = k; k = 0 }
		fi;
	opened:
		do
		:: k != NONE && n < READS ->
			// Reader.Acquire. A version of the same index passes for the same here: the code compares words, and words
			// of different publications can be equal.
			atomic { n++; floor = version; d = latest[r]; i = latestIndex[r]; s = own[r] };
			if
			:: d != 0 ->
				if // the exchange
#ifdef OWN_ADDED
				:: hold(i);
#else
				:: atomic { word[s] == 0 -> hold(i) };
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
#ifndef OWN_ANY_GENERATION
					if
					:: generation[i] != d -> goto other
					:: else
					fi;
#endif
					if
					:: ENDED(d) -> goto other
					:: else
					fi;
					goto mine;
				other:
					atomic { word[s] = 0; d = 0; v = 0; i = 0 }
#ifndef OWN_ADDED
				:: atomic { word[s] == RETIRED -> word[s] = 0; d = 0; i = 0 } // slot.metSomebody, reclaim
				:: atomic { word[s] != 0 && word[s] != RETIRED -> d = 0; i = 0 }
#endif
				fi
			:: atomic { else -> i = 0 }
			fi;
			// Reader.acquireElsewhere
#if GOROUTINES > 1
			s = slot[r * LANES + lane];
			atomic { v = version; i = INDEX(v) };
#else
			atomic { s = slot[r * LANES + lane]; v = version; i = INDEX(v) };
#endif
			hold(i);
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
			atomic {
#else
			mapping();
			atomic {
				if
				:: word[s] & RETIRED -> goto retired
				:: else
				fi;
#endif
				latest[r] = d; latestIndex[r] = i
			};
		mine:
			atomic {
				assert(d != 0 && MAPPED(d)); // mapped
				assert(WHOLE(d, v));         // whole, when taken
				assert(v >= floor);          // fresh
				floor = 0
			};
			d_step { // Snapshot.Release
				assert(MAPPED(d));   // mapped
				assert(WHOLE(d, v)); // whole, when released
				assert(HOLDS(word[s], i) > 0);
				if
				:: s == own[r] -> word[s] = 0
				:: else -> word[s] = word[s] - ONE(i)
				fi;
				v = 0; d = 0; i = 0; s = 0
			};
			goto opened;
		retired:
			atomic { d = 0; v = 0; drop(i); i = 0 };
			renew();
#if GOROUTINES > 1
			if
			:: atomic { s == NONE -> s = 0; floor = 0; goto opened } // ErrNoSlot
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
#if GOROUTINES == 1
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

// Writer.replaceFile. The draft has no name and so is nobody's business; the rename and the store of the generation
// are steps.
inline replaceFile() {
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
			data[0] = path[0]; data[1] = path[1]; replace[0] = 0; replace[1] = 0
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
				left[data[x]] = v;
				right[data[x]] = v
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
			do
			:: k < SLOTS ->
				if
				:: owner[k] == 1 -> owner[k] = 0 // reader 0
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
		:: GOROUTINES > 1 && j <= LANES ->
			owner[j] = 1; used = j + 1;
			if
			:: j < LANES -> slot[j] = j
			:: else -> own[0] = j
			fi;
			j++
		:: else -> break
		od;
		// Readers begin with the first file mapped, as after a snapshot, so that the short way is open.
		j = 0;
		do
		:: j < READERS -> current[2 * j] = 1; latest[j] = 1; j++
		:: else -> break
		od;
		j = 0;
		do
		:: j < READERS * GOROUTINES -> run Goroutine(j / GOROUTINES, j % LANES); j++
		:: else -> break
		od;
		run Writer();
		if
		:: DEATHS + CRASHES > 0 -> run Killer()
		:: else
		fi
	}
}

#endif
