using Microsoft.AspNetCore.Http;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// The answer to one request: one envelope a line. <paramref name="settle"/> is told whether the message was proven, and says whether the connection stays.
/// </summary>
internal sealed class HttpAnswer(HttpResponse response, Func<bool, bool> settle) : IAnswerSink
{
    /// <summary>Of the lines of an answer.</summary>
    public const string ContentType = "application/x-ndjson";

    /// <summary>A bare status; who gets one has no more to say on this connection.</summary>
    public static void Refuse(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.Headers.Connection = "close";
    }

    public void Begin(int status, bool proven)
    {
        bool stays = settle(proven);
        if (status != StatusCodes.Status200OK)
        {
            Refuse(response, status);
            return;
        }
        response.ContentType = ContentType;
        if (!stays)
            response.Headers.Connection = "close";
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await response.Body.WriteAsync(bytes, cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
