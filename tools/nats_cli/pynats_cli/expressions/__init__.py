"""The expression language of filters (`--expression`, `--filter`): a safe subset of expr.

`compile_expression('state.messages > 10 and config.name startsWith "ORD"').matches(data)`
"""

from pynats_cli.expressions.errors import ExpressionError
from pynats_cli.expressions.language import Expression, compile_expression
from pynats_cli.expressions.values import Duration, Instant

__all__ = ["Duration", "Expression", "ExpressionError", "Instant", "compile_expression"]
