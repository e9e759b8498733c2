"""How large a file from a stranger may be, and how far it may unfold: one number each, and why it is enough.

What is larger is refused before it is read into memory or unfolded. Those of YAML are in
:mod:`preroll.bounded.yaml_text`.
"""

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

#: JSON text [bytes] of folders that preroll writes. The plan of an experiment of 100,000 cells has 40 MiB.
JSON_TEXT = 128 * MIB
#: JSON text that describes one thing: a model card, a manifest. The manifest of the demo catalog has 9 KiB.
CARD_TEXT = 4 * MIB
#: Lists of ids and labels [bytes]. Those of 6 million videos (YouTube-8M) have 90 MiB.
ID_TEXT = 256 * MIB

#: A pickle [bytes] and its operations, of which so many take a second. The labels of 50,000 trailers with 20 genres
#: have 1.2 million operations, in 3 MiB.
PICKLE_BYTES, PICKLE_OPERATIONS = 64 * MIB, 2_000_000
#: What a pickle stands for once its references are followed [bytes], and levels of nesting: those labels take 35 MiB,
#: and a list in a map has 2 levels.
PICKLE_UNFOLDED, PICKLE_DEPTH = 128 * MIB, 50

#: A table of videos [bytes]: one of a million videos has 100 MiB.
TABLE = 512 * MIB
#: A table of view probabilities [bytes, unfolded] and its rows: of 100,000 videos and 100 ads one has 400 MiB and 10
#: million rows.
RESPONSE, RESPONSE_ROWS = GIB, 100_000_000
#: A line of a table [bytes]: one of YouTube-8M has 25 KiB.
LINE = MIB
#: A compressed file may unfold to so many bytes; beyond, to so many times its own size. Text of YouTube-8M unfolds to
#: four times its size, and the most that deflate can do is 1,032 times.
UNFOLDED, UNFOLDING = 16 * MIB, 100
#: A vocabulary of class names, unfolded [bytes]: that of YouTube-8M has 1 MiB.
VOCABULARY = 64 * MIB
#: A record of a TFRecord file [bytes]: a video of YouTube-8M has 400 KiB at frame level.
RECORD = 64 * MIB

#: An archive of stable-baselines3: entries, and all of them unfolded [bytes]. It writes 7, and of a policy with 4
#: layers of 4,096 units 600 MiB.
ARCHIVE_ENTRIES, ARCHIVE_BYTES = 1_000, 2 * GIB
#: Its JSON, in which pickles stand as text [bytes]: a DQN that keeps the last observation of 4,096 lanes has 5 MiB.
ARCHIVE_JSON = 64 * MIB

#: The header of a safetensors file [bytes]: an agent has fewer than 100 arrays, of 100 bytes each.
TENSORS_HEADER = MIB
#: An agent as an ONNX file [bytes]: 4 layers of 4,096 units have 200 MiB.
AGENT_ONNX = GIB

#: The weights of a network [bytes], as a package holds them: those of EfficientNet-Lite2 have 24 MiB.
WEIGHTS = 256 * MIB
#: A network that is fetched [bytes]: no ONNX file can be larger.
NETWORK = 2 * GIB - 1
