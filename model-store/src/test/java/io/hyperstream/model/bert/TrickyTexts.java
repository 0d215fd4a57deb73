package io.hyperstream.model.bert;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Texts that tokenizers get wrong: many scripts, lengths, accents, spaces and symbols. */
final class TrickyTexts {
  private static final List<String> WORDS =
      List.of(
          "parcel",
          "Überraschung",
          "naïve",
          "café",
          "cafe\u0301",
          "ΑΘΗΝΑ",
          "ελληνικά",
          "Привет",
          "ёлка",
          "שלום",
          "مرحبا",
          "नमस्ते",
          "สวัสดี",
          "東京",
          "北京市",
          "한국어",
          "ひらがな",
          "カタカナ",
          "İstanbul",
          "ß",
          "Ǆ",
          "ﬁne",
          "①",
          "½",
          "x²",
          "3.14",
          "1,000,000",
          "C++",
          "don't",
          "it's",
          "e-mail",
          "a_b",
          "@user",
          "#tag",
          "https://example.org/a?b=c",
          "😀",
          "👩‍👩‍👧",
          "🇩🇪",
          "\u200bzero",
          "soft\u00adhyphen",
          "tab\there",
          "non\u00a0breaking",
          "…",
          "—",
          "“quoted”",
          "¿qué?",
          "antidisestablishmentarianism",
          "Llanfairpwllgwyngyll",
          "aaaaaaaaaaaaaaaaaaaaaaaa",
          "[brackets]",
          "{text}",
          "<b>",
          "&amp;",
          "\\n",
          "$5",
          "€20",
          "100%",
          "№",
          "ÆØÅ",
          "ŁÓDŹ");

  private TrickyTexts() {}

  static List<String> all() {
    List<String> texts = new ArrayList<>(WORDS);
    Random random = new Random(7);
    while (texts.size() < 200) {
      texts.add(sentence(random, 1 + random.nextInt(12)));
    }
    for (int words = 20; words <= 140; words += 20) {
      texts.add(sentence(random, words));
    }
    texts.add("word ".repeat(509) + "end");
    texts.add("word ".repeat(600));
    texts.add("x".repeat(150));
    texts.add("   spaces   everywhere \n\n lines \r\n and\ttabs ");
    texts.add("\u0000null\u0001control\u007f");
    texts.add("broken \ud83d surrogate \ude00 pair");
    texts.add("a [SEP] b [CLS] c [PAD] d [UNK] e [MASK]");
    texts.add("ＦＵＬＬ ｗｉｄｔｈ １２３");
    texts.add("ﷺ ligature 𝔉𝔯𝔞𝔨𝔱𝔲𝔯 𝟙𝟚𝟛");
    texts.add("e\u0301\u0302\u0303 combining");
    return texts;
  }

  private static String sentence(Random random, int words) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < words; i++) {
      out.append(i == 0 ? "" : random.nextInt(9) == 0 ? ", " : " ");
      out.append(WORDS.get(random.nextInt(WORDS.size())));
    }
    return out.append(random.nextBoolean() ? "." : "").toString();
  }
}
