//! What prompts about an indirect object are made of.

/// `[A]` and `[B]` are the two names, `[S]` is the one of them that comes again.
pub(super) const TEMPLATES: [&str; 8] = [
    "When [A] and [B] went to the [PLACE], [S] gave the [OBJECT] to",
    "When [A] and [B] came to the [PLACE], [S] passed the [OBJECT] to",
    "After [A] and [B] walked to the [PLACE], [S] handed the [OBJECT] to",
    "After [A] and [B] got to the [PLACE], [S] showed the [OBJECT] to",
    "While [A] and [B] sat in the [PLACE], [S] offered the [OBJECT] to",
    "While [A] and [B] worked at the [PLACE], [S] brought the [OBJECT] to",
    "Then [A] and [B] met at the [PLACE], and [S] gave the [OBJECT] to",
    "Then [A] and [B] left the old [PLACE], and [S] sold the [OBJECT] to",
];

pub(super) const NAMES: [&str; 60] = [
    "Adam", "Alan", "Alice", "Amy", "Andrew", "Anna", "Anne", "Arthur", "Barbara", "Ben", "Brian", "Carl", "Charles",
    "Chris", "Clara", "Daniel", "David", "Diana", "Edward", "Elizabeth", "Emily", "Emma", "Frank", "George", "Grace",
    "Helen", "Henry", "Ian", "Jack", "James", "Jane", "John", "Joseph", "Julia", "Karen", "Kate", "Kevin", "Laura",
    "Lisa", "Lucy", "Maria", "Mark", "Martin", "Mary", "Michael", "Nancy", "Oliver", "Paul", "Peter", "Rachel",
    "Richard", "Robert", "Rose", "Ruth", "Sam", "Sarah", "Simon", "Susan", "Thomas", "William",
];

pub(super) const PLACES: [&str; 20] = [
    "bank", "beach", "cafe", "church", "farm", "garden", "harbor", "hospital", "hotel", "house", "library", "market",
    "museum", "office", "park", "restaurant", "school", "shop", "station", "theater",
];

pub(super) const OBJECTS: [&str; 24] = [
    "bag", "ball", "basket", "book", "bottle", "box", "bread", "camera", "card", "coat", "computer", "cup", "flower",
    "gift", "hat", "key", "lamp", "letter", "map", "paper", "phone", "picture", "ring", "ticket",
];
