"""Questions as people type them: what is asked for, and whether it leans on the turn before."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.datatypes import Intent, Turn
from rag.errors import QuestionError
from rag.questions.cleaning import MAX_CHARACTERS, clean
from rag.questions.follow_up import is_follow_up, keeps_topic
from rag.questions.kinds import sides
from rag.questions.reading import understand

HISTORY = (
    Turn("user", "What does SpineNet change about backbones?"),
    Turn("assistant", "SpineNet has scale-permuted features and is learned by NAS on COCO [1]."),
)

SELF_CONTAINED = """What is BERT?
How large is the smallest EdgeNeXt?
What's FunCoder?
Can you explain SparK?
What is contrastive learning?
What does MLP-Mixer do?
Explain knowledge distillation.
How does pruning help?
How is it that transformers work without convolutions?
Is it possible to train a detector without labels?
How long does it take to train a ViT on ImageNet?
Does it make sense to quantise activations below four bits?
Is there a paper about hashing?
Are there any works that count trees from the air?
Which papers show that depth matters?
Which methods use one-shot pruning?
What do one-stage detectors lack?
How do CNNs improve their efficiency?
Why do vision transformers need so much data?
In which papers are hypernetworks used?
What does this library say about order books?
What is the accuracy of ResNet-50 on ImageNet?
What is the best way of merging local descriptors?
Contrastive batches with several images of one class can hurt. How can this be avoided?
Compare the text-to-video papers: which bottleneck does each of them attack?
Why can transformers with relative positions fail, no matter how deep or wide they are?
Are there papers that find a network's structure and its weights at the same time?
How large is the driving network that segments lanes, and what mAP does it get?
Who noticed that U-Net encoders do redundant work, and what do they gain from it?
List the works that predict markets. Which asset does each one treat?
How do transformers handle long inputs when they are trained on short ones?
What happens to those who train on noisy labels?
reverse dictionary model
knowledge distillation
What is the lottery ticket hypothesis?
Which works feed raw bytes to a network instead of pixels?""".splitlines()

LEANING = """And how large is it?
How large is it?
What does it get on ImageNet, and does it beat Swin?
On ImageNet, how does it perform?
How well does it work on medical images?
Why?
Why is that?
Which datasets?
What accuracy does it reach?
What is the accuracy on ImageNet?
What about the giant one?
How does that compare with ordinary backprop?
What does this paper say about limitations?
Who are the authors?
Is the code available?
Does the method need labels?
How many fewer parameters does it have than those?
So what do they spend most epochs on?
Why did they choose ImageNet?
Does Swin beat it?
What datasets were their models evaluated on?
On CIFAR-10?
Compared to ResNet-50?
SimCLR?
And SimCLR?
But why?
Which one is faster?
Which is faster?
Tell me more.
Can you give an example?
What are its limitations?
How was training done?
Do other papers do the same?
What do these results show?
How many layers?
Is the latter faster?
what else has been tried""".splitlines()


@pytest.mark.parametrize("question", SELF_CONTAINED)
def test_a_whole_question_stands_alone_whatever_was_asked_before(question: str) -> None:
    query = understand(question, HISTORY)

    assert not query.is_follow_up
    assert question.endswith(query.search) and HISTORY[0].content not in query.search


@pytest.mark.parametrize("question", LEANING)
def test_what_points_to_the_turn_before_carries_it(question: str) -> None:
    query = understand(question, HISTORY)

    assert query.is_follow_up
    assert query.text == question
    assert query.search == f"{HISTORY[0].content} {question}"


def test_the_answer_lends_its_names_where_the_question_named_nothing() -> None:
    """'Which transformer …?' is answered with a name; 'the giant one' then means that."""
    asked = Turn("user", "Which backbone permutes its scales?")
    query = understand("How large is it?", (asked, HISTORY[1]))
    assert query.search == f"{asked.content} SpineNet NAS COCO How large is it?"


def test_nothing_to_lean_on_without_history() -> None:
    assert not understand("How large is it?").is_follow_up


def test_a_chain_of_follow_ups_goes_back_to_the_question_that_named_its_subject() -> None:
    history = [
        Turn("user", "What is knowledge distillation?"),
        Turn("assistant", "…"),
        Turn("user", "What does SpineNet change?"),
        Turn("assistant", "It permutes scales [1]."),
        Turn("user", "Is it faster?"),
        Turn("assistant", "It is [1]."),
    ]

    search = understand("And smaller?", history).search

    assert search == "What does SpineNet change? Is it faster? And smaller?"


def test_a_follow_up_is_never_cut_away_by_what_it_carries() -> None:
    history = [Turn("user", "it " + "word " * 900) for _ in range(6)]
    question = "And how large is it " + "x" * 3_000 + "?"

    search = understand(question, history).search

    assert search.endswith(question)
    assert len(search) <= MAX_CHARACTERS


def test_odd_turns_do_no_harm() -> None:
    history = [Turn("user", ""), Turn("assistant", "\x00"), Turn("user", "\u200b"), Turn("system", "be brief")]

    assert understand("How large is it?", history).search == "How large is it?"


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("How many papers are about pruning?", "pruning"),
        ("how many papers are there?", ""),
        ("How many papers are in this library?", ""),
        ("How many papers do you have?", ""),
        ("How many papers mention ImageNet?", "ImageNet"),
        ("How many papers on quantization are there in the library?", "quantization"),
        ("Can you tell me how many papers use transformers?", "transformers"),
        ("What is the number of papers about speech?", "speech"),
        ("Please count the papers on diffusion models.", "diffusion models"),
        ("How many of these papers are about retrieval?", "retrieval"),
        ("How many papers were published in 2020?", "2020"),
    ],
)
def test_counts(question: str, topic: str) -> None:
    query = understand(question)

    assert (query.intent, query.topic) == (Intent.COUNT, topic)


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("list all papers on pruning", "pruning"),
        ("List all the papers that use contrastive learning.", "contrastive learning"),
        ("Please list every paper about speech", "speech"),
        ("Show me all papers on segmentation.", "segmentation"),
        ("Could you give me a list of papers about JPEG?", "JPEG"),
        ("List papers on tree counting", "tree counting"),
        ("All papers about hashing", "hashing"),
        ("List the works that predict financial markets.", "predict financial markets"),
        ("list all papers", ""),
    ],
)
def test_lists(question: str, topic: str) -> None:
    query = understand(question)

    assert (query.intent, query.topic) == (Intent.LIST, topic)


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Which years do the papers cover?", ""),
        ("What years does the library span?", ""),
        ("In which years were papers on pruning published?", "pruning"),
        ("When were the papers on GANs published?", "GANs"),
        ("Which year has the most papers about speech?", "speech"),
    ],
)
def test_years(question: str, topic: str) -> None:
    query = understand(question)

    assert (query.intent, query.topic) == (Intent.YEARS, topic)


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Summarise the paper on SpineNet.", "SpineNet"),
        ("Could you please summarize MLP-Mixer for me?", "MLP-Mixer"),
        ("Give me a short summary of knowledge distillation", "knowledge distillation"),
        ("Can you give me an overview of image inpainting?", "image inpainting"),
        ("I would like a summary of work on retrieval", "retrieval"),
        ("tl;dr of SpineNet", "SpineNet"),
        ("Summarise OneFormer", "OneFormer"),
        ("What is the paper “Patches Are All You Need?” about?", "Patches Are All You Need"),
    ],
)
def test_summaries(question: str, topic: str) -> None:
    query = understand(question)

    assert (query.intent, query.topic) == (Intent.SUMMARY, topic)


@pytest.mark.parametrize(
    "question",
    [
        "List the works that predict financial markets. Which market does each treat?",
        "Give me all articles on dense retrieval, and say what each proposes",
        "Which papers use GANs?",
        "List the datasets used for face parsing.",
        "Compare SimCLR and BYOL",
        "What datasets are used for face parsing?",
        "Which lightweight real-time segmentation networks run above 100 FPS?",
        "What are the differences between CNNs and ViTs?",
        # Two named things side by side.
        "How do Adaptive Neural Images and D'OH each reduce their size?",
        "DualToken-ViT and DaViT both use two kinds of token. Which ones?",
        "SteloCoder vs. Telly",
        "How does Swin differ from ViT?",
        "Tell me how Focus-DETR and Mr. DETR differ.",
    ],
)
def test_several_papers(question: str) -> None:
    assert understand(question).intent is Intent.MULTI


@pytest.mark.parametrize(
    "question",
    [
        "How many documents were used to train the retriever?",
        "How many parameters does BERT have?",
        "What datasets is SimCLR evaluated on?",
        "What accuracy do the models reach on CIFAR-10?",
        "What is attention about?",
        "In what year was ImageNet made?",
        "Is the word list of the model available?",
        # Two names alone are no comparison.
        "What accuracy does Swin reach on COCO and ADE20K?",
        "Does ByteFormer beat DeiT on ImageNet?",
        "How does it differ from earlier work?",
        "What do both branches do in Dyn-Perceiver?",
    ],
)
def test_one_thing(question: str) -> None:
    query = understand(question)

    assert (query.intent, query.topic) == (Intent.FACT, question)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How large is the model?", True),
        ("What accuracy does it reach?", True),
        ("Which mIoU is reported on Cityscapes?", True),
        ("How many times faster is it?", True),
        ("How does the model work?", False),
        ("What is a prototype?", False),
        ("By what route does it get there?", False),
        ("By what factor does it shrink?", True),
        ("What average CodeBLEU does it reach?", True),
        ("What do the spoken words mean, and where?", False),
        ("What was the mean age of the patients?", True),
        ("F1 score of the best encoder", True),
        ("Please give the number of patients that were tested", True),
        ("Define effective capacity in the wireless sense.", False),
        ("How can the number of layers be cut?", False),
    ],
)
def test_what_asks_for_a_figure(question: str, wanted: bool) -> None:
    assert understand(question).wants_figure is wanted


@pytest.mark.parametrize("empty", ["", "   ", "\x00\x01", "🙂🙂", "???", "\u200b\u200e", "\n\t", "—", "\ud800"])
def test_an_empty_question_is_an_error_with_a_remedy(empty: str) -> None:
    with pytest.raises(QuestionError, match="Type a question"):
        understand(empty)


def test_a_question_may_have_4000_characters_and_no_more() -> None:
    assert understand("a" * MAX_CHARACTERS).text == "a" * MAX_CHARACTERS
    assert understand("a" + " " * 100_000 + "b").text == "a b"
    with pytest.raises(QuestionError, match=r"4,001 characters.*fewer words"):
        understand("a" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("What\x00is\x07BERT?", "What is BERT?"),
        ("  What\n\n is\tBERT? ", "What is BERT?"),
        ("trans\u00adformer net\u200bwork", "transformer network"),
        ("\u202bما هو التعلم العميق؟\u202c", "ما هو التعلم العميق؟"),
        ("什么是知识蒸馏？", "什么是知识蒸馏？"),
        ("\ufeffWas ist 🙂 Pruning?", "Was ist 🙂 Pruning?"),
        ("half \ud83d pair", "half pair"),
    ],
)
def test_what_is_invisible_is_taken_out(typed: str, read: str) -> None:
    query = understand(typed, HISTORY)

    assert query.text == read
    assert not query.is_follow_up


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = understand(text, HISTORY)
    except QuestionError:
        return
    assert query.text == clean(query.text)  # cleaning once is enough
    assert query.search.endswith(query.text)


@pytest.mark.parametrize(
    "piece", ["what ", "how many papers ", "list all the a ", "tell me ", "it ", "please ", "the x "]
)
def test_hostile_repetition_takes_no_time(piece: str) -> None:
    begin = time.perf_counter()

    understand((piece * MAX_CHARACTERS)[: MAX_CHARACTERS - 2] + "x", HISTORY)
    is_follow_up((piece * MAX_CHARACTERS)[:MAX_CHARACTERS])

    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    ("rewritten", "usable"),
    [
        ("How large is SpineNet on COCO?", True),
        ("How large is it?", False),  # nothing of the conversation was brought in
        ("How large is the elephant of quantum gravity in Paris?", False),
        ("Where is the best pizza?", False),
        ("", False),
    ],
)
def test_a_rewriting_must_bring_in_the_conversation_and_little_else(rewritten: str, usable: bool) -> None:
    assert keeps_topic(rewritten, understand("How large is it?", HISTORY)) is usable


@pytest.mark.parametrize(
    ("asked", "search"),
    [
        ("Can you explain SparK?", "SparK?"),
        ("Please tell me about knowledge distillation.", "knowledge distillation."),
        ("Explain", "Explain"),
        ("How does it explain itself to users of robots?", "How does it explain itself to users of robots?"),
    ],
)
def test_the_words_of_a_request_are_not_searched_for(asked: str, search: str) -> None:
    query = understand(asked)
    assert (query.text, query.search) == (asked, search)


def test_colours_of_a_terminal_are_taken_out_whole() -> None:
    assert clean("What is \x1b[31mSpineNet\x1b[0m?") == "What is SpineNet?"


@pytest.mark.parametrize(
    ("question", "search"),
    [
        ("Which papers deal with quantization?", "quantization?"),
        ("Are there any works on anomaly detection?", "anomaly detection?"),
        ("papers about knowledge distillation", "knowledge distillation"),
        ("What papers use GANs?", "GANs?"),
        ("Which papers predict stock prices?", "Which papers predict stock prices?"),
        ("Which papers?", "Which papers?"),
        ("What is on the market?", "What is on the market?"),
    ],
)
def test_what_asks_for_papers_is_not_searched_for(question: str, search: str) -> None:
    assert understand(question).search == search


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("wich works treat speech?", "which works treat speech?"),
        ("Wat is SpineNet?", "What is SpineNet?"),
        ("whats a backbone", "what is a backbone"),
        ("What's the TEH protein?", "What's the TEH protein?"),
        ("what dose it do, and how dose it work", "what does it do, and how does it work"),
        ("What dose of aspirin did they give?", "What dose of aspirin did they give?"),
        ("What dose did they recommend?", "What dose did they recommend?"),
    ],
)
def test_slips_in_the_words_that_ask_are_put_right(typed: str, read: str) -> None:
    query = understand(typed)

    assert query.text == read
    assert query.asked == (typed if typed != read else "")


def test_a_request_is_known_by_its_slips_too() -> None:
    assert understand("wich papers treat speech enhancement").search == "speech enhancement"
    assert understand("hwo mnay papres are there?").intent is Intent.COUNT


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("How does Swin Transformer V2 differ from SpineNet?", ("Swin Transformer V2", "SpineNet")),
        ("Compare SteloCoder and Telly", ("SteloCoder", "Telly")),
        ("CoCa's loss and DaViT's loss: do both help?", ()),
        ("What is SpineNet?", ()),
    ],
)
def test_the_sides_of_a_comparison(question: str, named: tuple[str, ...]) -> None:
    assert sides(question) == named


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Who wrote SpineNet?", "SpineNet"),
        ("who are the authors of Dual PatchNorm", "Dual PatchNorm"),
        ("Who are CoCa's authors?", "CoCa"),
        ("In what year was EdgeNeXt published?", "EdgeNeXt"),
    ],
)
def test_who_wrote_a_paper_and_when_is_asked_of_its_record(question: str, topic: str) -> None:
    query = understand(question)
    assert query.intent is Intent.RECORD
    assert query.topic == topic


@pytest.mark.parametrize(
    "question",
    [
        "What do the authors of SpineNet propose?",
        "When is a transformer slower than an RNN?",
        "Where are the scales permuted?",
        "In which years were the papers published?",
    ],
)
def test_other_questions_are_not(question: str) -> None:
    assert understand(question).intent is not Intent.RECORD


@pytest.mark.parametrize(
    "question",
    [
        "What changes to MLP-Mixer have been tried to mix tokens better?",
        "How have convolutions been brought into vision transformers? Give two approaches.",
        "List works on networks with one-bit weights and say how each gains speed.",
        "Pretrained encoders and forgetting: list ways of learning new tasks.",
        "Negative samples: who drops them altogether and who filters for hard ones?",
        "Which transformers rework how attention is spread over windows?",
        "Masked autoencoders have been applied to images and audio. What is particular to each version?",
        "Which technique did the first authors use and which did the others use?",
    ],
)
def test_what_asks_for_several_papers(question: str) -> None:
    assert understand(question).intent is Intent.MULTI


@pytest.mark.parametrize(
    "question",
    [
        "ImageNet accuracy of ByteFormer when it works on raw bytes?",
        "Name the company that uses the decoder.",
        "Every layer learns on its own. What does each layer do then?",
        "Which graph and which costs are used for several different paths?",
    ],
)
def test_what_asks_for_one(question: str) -> None:
    assert understand(question).intent is Intent.FACT
