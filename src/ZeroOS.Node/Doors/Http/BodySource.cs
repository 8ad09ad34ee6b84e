using Microsoft.AspNetCore.Http;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// Where a body comes from. <paramref name="ReadAsync"/> gives 0 bytes at its end; <paramref name="Length"/> is null when it is not known before.
/// </summary>
internal readonly record struct BodySource(long? Length, Func<Memory<byte>, CancellationToken, ValueTask<int>> ReadAsync)
{
    /// <summary>The body of one of Kestrel's requests.</summary>
    public static BodySource Of(HttpRequest request) => new(request.ContentLength, request.Body.ReadAsync);

    /// <summary>The next bytes of a connection, so many and not one more.</summary>
    public static BodySource Of(UnreadConnection connection, long length)
    {
        long left = length;
        return new BodySource(length, async (buffer, cancellation) =>
        {
            if (left == 0)
                return 0;
            int read = await connection.ReceiveAsync(buffer[..(int)Math.Min(buffer.Length, left)], cancellation);
            left -= read;
            return read > 0 ? read : throw new IOException("the client ended the connection in the body of its request");
        });
    }
}
