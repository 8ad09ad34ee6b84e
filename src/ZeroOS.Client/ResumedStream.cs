using System.Runtime.CompilerServices;

namespace ZeroOS.Client;

/// <summary>A stream that is asked for again from where it broke off. What the node refuses, and an answer that is not its own, end it.</summary>
internal static class ResumedStream
{
    /// <summary>
    /// Reads what <paramref name="open"/> gives; <paramref name="behind"/> is the request for what comes after a piece. Without
    /// <paramref name="reconnection"/> a break is the end.
    /// </summary>
    /// <exception cref="ClientException">The node did not come back.</exception>
    public static async IAsyncEnumerable<TPiece> ReadAsync<TRequest, TPiece>(TRequest request, Func<TRequest, CancellationToken, IAsyncEnumerable<TPiece>> open,
        Func<TRequest, TPiece, TRequest> behind, Reconnection? reconnection, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            Exception fault;
            using (CancellationTokenSource attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
            await using (IAsyncEnumerator<TPiece> pieces = open(request, attempt.Token).GetAsyncEnumerator(attempt.Token))
            {
                while (true)
                {
                    try
                    {
                        ValueTask<bool> next = pieces.MoveNextAsync();
                        if (!(next.IsCompleted || reconnection is null ? await next : await reconnection.NextAsync(next.AsTask(), attempt)))
                            yield break;
                    }
                    catch (Exception e) when (reconnection?.IsBreak(e, cancellation) == true)
                    {
                        fault = e;
                        break;
                    }
                    reconnection?.Heard();
                    request = behind(request, pieces.Current);
                    yield return pieces.Current;
                }
            }
            await reconnection.ReturnAsync(fault, cancellation);
        }
    }
}
