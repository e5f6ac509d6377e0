"""Turns the pieces of a template into nodes."""

from __future__ import annotations

from collections.abc import Container

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.expressions import (
    Command,
    Constant,
    Dot,
    Fields,
    Function,
    Nil,
    Pipeline,
    Value,
    Variable,
)
from pynats_cli.template.lexer import Token, letter, number, pieces, unquote
from pynats_cli.template.statements import (
    Action,
    Branch,
    Break,
    Continue,
    Jump,
    Node,
    Range,
    Text,
)

NESTING_MAX = 100
"""Deepest nesting of blocks and parentheses, far below Python's own limit."""


class Parser:
    """Builds the nodes of a template by recursive descent."""

    def __init__(self, text: str, functions: Container[str]) -> None:
        self._pieces = pieces(text)
        self._functions = functions
        self._next = 0
        self._tokens: list[Token] = []
        self._depth = 0

    def parse(self) -> list[Node]:
        nodes, ending = self._block()
        if ending:
            raise TemplateError(f"unexpected {{{{{ending}}}}}")
        return nodes

    def _block(self) -> tuple[list[Node], str]:
        """Nodes up to `end` or `else`, and the word that ended them ("" at the end of the text)."""
        nodes: list[Node] = []
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            self._next += 1
            if isinstance(piece, str):
                if piece:
                    nodes.append(Text(piece))
                continue
            self._tokens = list(piece)
            if not self._tokens:
                raise TemplateError("missing value for command")
            head = self._tokens[0]
            word = head.text if head.kind == "name" else ""
            if word in ("end", "else"):
                del self._tokens[0]
                return nodes, word
            nodes.append(self._statement(word))
        return nodes, ""

    def _statement(self, word: str) -> Node:
        if word in ("if", "with", "range"):
            del self._tokens[0]
            return self._control(word)
        if word in ("define", "block", "template"):
            raise TemplateError(f"{{{{{word}}}}} is not supported")
        if word in ("break", "continue") and len(self._tokens) == 1:
            return Jump(Break if word == "break" else Continue)
        return Action(self._whole_pipeline())

    def _control(self, word: str) -> Node:
        self._enter()
        pipeline = self._whole_pipeline(range_names=word == "range")
        body, ending = self._block()
        otherwise: list[Node] = []
        if ending == "else":
            if self._tokens:
                head = self._tokens.pop(0)
                if head.text not in ("if", "with") or word == "range":
                    raise TemplateError(f"unexpected {head.text!r} after else")
                # `else if` takes the same `end` as the `if` it belongs to.
                otherwise, ending = [self._control(head.text)], "end"
            else:
                otherwise, ending = self._block()
        if ending != "end":
            raise TemplateError(f"missing {{{{end}}}} of {{{{{word}}}}}")
        self._depth -= 1
        if word == "range":
            return Range(pipeline, body, otherwise)
        return Branch(pipeline, body, otherwise, moves_dot=word == "with")

    def _whole_pipeline(self, range_names: bool = False) -> Pipeline:
        names, declares = self._declaration(range_names)
        pipeline = self._pipeline()
        if self._tokens:
            raise TemplateError(f"unexpected {self._tokens[0].text!r} in action")
        pipeline.names, pipeline.declares = names, declares
        return pipeline

    def _declaration(self, two_allowed: bool) -> tuple[list[str], bool]:
        texts = [token.text for token in self._tokens[:4]]
        kinds = [token.kind for token in self._tokens[:4]]
        if kinds[:1] == ["variable"] and texts[1:2] in ([":="], ["="]):
            del self._tokens[:2]
            return texts[:1], texts[1] == ":="
        pair = kinds[:1] + kinds[2:3] == ["variable", "variable"] and texts[1] == ","
        if two_allowed and pair and texts[3:4] in ([":="], ["="]):
            del self._tokens[:4]
            return [texts[0], texts[2]], texts[3] == ":="
        return [], True

    def _pipeline(self) -> Pipeline:
        commands = [self._command()]
        while self._tokens and self._tokens[0].text == "|" and self._tokens[0].kind == "symbol":
            del self._tokens[0]
            commands.append(self._command())
        return Pipeline(commands)

    def _command(self) -> Command:
        words: list[Value | Function] = []
        while self._tokens:
            token = self._tokens[0]
            if token.kind == "symbol" and token.text not in ("(", "."):
                break
            del self._tokens[0]
            words.append(self._word(token))
        if not words:
            raise TemplateError("missing value for command")
        return Command(words)

    def _word(self, token: Token) -> Value | Function:
        if token.text == "(" and token.kind == "symbol":
            self._enter()
            inner: Value = self._pipeline()
            if not self._tokens or self._tokens.pop(0).text != ")":
                raise TemplateError("unclosed left paren")
            self._depth -= 1
            if self._tokens and self._tokens[0].kind == "chain":
                return Fields(inner, self._tokens.pop(0).text[1:].split("."))
            return inner
        if token.kind == "string":
            return Constant(unquote(token.text))
        if token.kind == "letter":
            return Constant(letter(token.text))
        if token.kind == "number":
            return Constant(number(token.text))
        if token.kind == "fields":
            return Fields(Dot(), token.text[1:].split("."))
        if token.kind == "variable":
            name, *names = token.text.split(".")
            return Fields(Variable(name), names)
        if token.kind == "name":
            if token.text in ("true", "false"):
                return Constant(token.text == "true")
            if token.text == "nil":
                return Nil()
            if token.text not in self._functions:
                raise TemplateError(f'function "{token.text}" not defined')
            return Function(token.text)
        return Dot()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise TemplateError("template is nested too deeply")
