/** Names for sessions that nobody has named: two words, easy to say and to type. */

// None is a word of the vocabulary of robots, planning or this program: a label must not mislead.
const QUALITIES = (
  "amber bold brave brisk bright calm clever cosy crisp curious deft eager early fair fleet fond " +
  "gentle glad golden grand green happy hardy honest humble keen kind lively loyal lucid lucky " +
  "mellow merry mild misty nimble noble patient plain polite proud quick quiet rapid ready silver " +
  "sleek smart snug solid spry steady still sunny swift tall tidy tranquil true vivid warm wise witty"
).split(" ");
const ANIMALS = (
  "auk badger beaver bison bittern bream carp cod coot crab crane curlew dolphin dove duck eagle " +
  "eel egret eider elk falcon finch fox gannet goose grebe gull hare heron ibis jay kestrel kite " +
  "krill lark loon lynx marlin marten moose newt orca osprey otter owl perch pike plover puffin quail " +
  "raven ray robin salmon seal shark skua sole squid stoat stork swan tern trout tuna vole whale wren"
).split(" ");

/** How many are tried before a number makes one unlike the others. */
const TRIES = 20;

/** A label that is not taken. `pick` chooses a whole number below its argument. */
export function newLabel(
  isTaken: (label: string) => boolean,
  pick: (below: number) => number,
): string {
  const words = () => [QUALITIES, ANIMALS].map((list) => list[pick(list.length)]).join("-");
  for (let tried = 0; tried < TRIES; tried += 1) {
    const label = words();
    if (!isTaken(label)) return label;
  }
  const base = words();
  for (let number = 2; ; number += 1) {
    if (!isTaken(`${base}-${number}`)) return `${base}-${number}`;
  }
}
