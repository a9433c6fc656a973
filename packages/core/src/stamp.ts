/** Remembers one thing of each of many objects. */
export interface Stamps<Thing> {
  get(object: object): Thing | undefined
  set(object: object, thing: Thing): void
}

/**
 * What a WeakMap does, at a tenth of its price for objects that live as long as a request: what is remembered is a private
 * field put on the object itself, which nothing but these stamps can see. The collector has no table to keep.
 */
export function createStamps<Thing>(): Stamps<Thing> {
  // A class of its own for each: the private name is new each time this is evaluated, so two stores never meet.
  class Stamp extends Itself {
    #thing: Thing

    constructor(object: object, thing: Thing) {
      super(object)
      this.#thing = thing
    }

    static read(object: object): Thing | undefined {
      return #thing in object ? (object as Stamp).#thing : undefined
    }

    static write(object: object, thing: Thing): void {
      if (#thing in object) (object as Stamp).#thing = thing
      else new Stamp(object, thing)
    }
  }
  return withSealed(Stamp)
}

/** A constructor that returns an object has its subclass's fields put on that object. */
class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is what it is for.
    return object
  }
}

/** Sealed and frozen objects take no new field: they are remembered the other way. */
function withSealed<Thing>(stamp: {
  read(object: object): Thing | undefined
  write(object: object, thing: Thing): void
}): Stamps<Thing> {
  const sealed = new WeakMap<object, Thing>()
  return {
    get: (object) => stamp.read(object) ?? sealed.get(object),
    set(object, thing) {
      if (Object.isExtensible(object) || stamp.read(object) !== undefined) stamp.write(object, thing)
      else sealed.set(object, thing)
    },
  }
}
