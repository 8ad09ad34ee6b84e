using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;

namespace ZeroOS.Client;

/// <summary>A stream that is asked for again from where it broke off. What the node refuses, and an answer that is not its own, end it.</summary>
internal static class ResumedStream
{
    /// <summary>How long a node may be out of reach before a stream is given up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(250), s_longest = TimeSpan.FromSeconds(5);

    /// <summary>Reads what <paramref name="open"/> gives; <paramref name="behind"/> is the request for what comes after a piece.</summary>
    public static async IAsyncEnumerable<TPiece> ReadAsync<TRequest, TPiece>(TRequest request, Func<TRequest, IAsyncEnumerable<TPiece>> open, Func<TRequest, TPiece, TRequest> behind, bool resume,
        TimeProvider clock, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long? broken = null;
        TimeSpan pause = s_first;
        while (true)
        {
            await using (IAsyncEnumerator<TPiece> pieces = open(request).GetAsyncEnumerator(cancellation))
            {
                while (true)
                {
                    try
                    {
                        if (!await pieces.MoveNextAsync())
                            yield break;
                    }
                    catch (Exception e) when (resume && IsBreak(e) && (broken is not { } since || clock.GetElapsedTime(since) < Patience))
                    {
                        broken ??= clock.GetTimestamp();
                        break;
                    }
                    (broken, pause) = (null, s_first);
                    request = behind(request, pieces.Current);
                    yield return pieces.Current;
                }
            }
            await Task.Delay(pause, clock, cancellation);
            pause = pause + pause < s_longest ? pause + pause : s_longest;
        }
    }

    private static bool IsBreak(Exception e) => e is UnfinishedReplyException or BusTransportException { Status: 0 };
}
