using System.Globalization;
using System.Text;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// <c>POST /session</c>, which Kestrel cannot serve: it reads ahead, and cannot give a connection away. The head and the body are read here, byte for byte; the
/// node answers on the connection itself, or its refusal is passed on. One request a connection.
/// </summary>
internal sealed class SessionDoor(EnvelopeRelay relay, ConnectionTable connections, BodyBudget bodies, CancellationToken stopping)
{
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Serves a connection that asks for a session. False: it asks for something else, and nothing of it was read. Its place bounds the time until it has
    /// asked.
    /// </summary>
    /// <exception cref="IOException">The client has gone, or spoke out of turn.</exception>
    /// <exception cref="OperationCanceledException">Its time is over, its place was taken away, or the door stops.</exception>
    public async Task<bool> TryServeAsync(UnreadConnection connection)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(connection.Ended, stopping);
        if (!await BeginsAsync(connection, ends.Token))
            return false;
        (int status, long length) = await SessionRequest.ReadHeadAsync(connection, ends.Token);
        if (status == 0)
        {
            using RequestBody body = await RequestBody.ReadAsync(BodySource.Of(connection, length), bodies, connection.Place, ends.Token);
            status = body.Status;
            if (status == 0)
            {
                await AskAsync(connection, body, ends);
                return true;
            }
        }
        await AnswerAsync(connection, status, default, ends.Token);
        return true;
    }

    private static async Task<bool> BeginsAsync(UnreadConnection connection, CancellationToken cancellation)
    {
        byte[] first = new byte[SessionRequest.FirstBytes.Length];
        while (true)
        {
            // No bytes and no more to come: Kestrel ends it. Too few: the next ones stir it.
            if (connection.TryPeek(first, out int shown) && (shown == 0 ? false : SessionRequest.Begins(first.AsSpan(0, shown))) is bool begins)
                return begins;
            await connection.StirAsync(cancellation);
        }
    }

    private async Task AskAsync(UnreadConnection connection, RequestBody body, CancellationTokenSource ends)
    {
        if (connection.TryPeek(new byte[1], out _))
            throw new IOException("the client spoke before it was answered, or has gone");
        SessionAnswer? answer = null;
        int refusal;
        try
        {
            refusal = await relay.AskAsync(connection.Place, body, lasts: false,
                settle => answer = new SessionAnswer(connection, connections, ends, settle), ends.Token);
        }
        catch (NodeLostException) when (answer is not { IsHandedOver: true })
        {
            refusal = StatusCodes.Status503ServiceUnavailable;
        }
        finally
        {
            if (answer is not null)
                await answer.StopListeningAsync();
        }
        if (answer is { IsHandedOver: true })
            return;
        if (refusal != 0)
            await AnswerAsync(connection, refusal, default, ends.Token);
        else
            await AnswerAsync(connection, answer!.Status, answer.Lines, ends.Token);
    }

    private static async Task AnswerAsync(UnreadConnection connection, int status, ReadOnlyMemory<byte> lines, CancellationToken cancellation)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(s_answerWithin);
        string type = status == StatusCodes.Status200OK ? $"Content-Type: {HttpAnswer.ContentType}\r\n" : "";
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\n{type}Content-Length: {lines.Length}\r\nConnection: close\r\n\r\n");
        await connection.AnswerAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. lines.Span], deadline.Token);
    }
}
