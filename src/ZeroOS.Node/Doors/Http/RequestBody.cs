using System.Buffers;

using Microsoft.AspNetCore.Http;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>A whole body, or the status of a refusal. What is over <see cref="BodyBudget.FreeBytes"/> is held only with the budget's leave.</summary>
internal sealed class RequestBody : IDisposable
{
    private byte[] _buffer;
    private BodyRoom _room;
    private int _length;

    private RequestBody() => _buffer = ArrayPool<byte>.Shared.Rent(BodyBudget.FreeBytes);

    /// <summary>0, or the status of a refusal.</summary>
    public int Status { get; private set; }

    /// <summary>The bytes, valid until this is disposed.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads the body to its end.</summary>
    /// <exception cref="OperationCanceledException">The deadline passed.</exception>
    public static async Task<RequestBody> ReadAsync(HttpRequest request, BodyBudget budget, ConnectionPlace place, CancellationToken cancellation)
    {
        RequestBody body = new();
        try
        {
            body.Status = await body.FillAsync(request, budget, place, cancellation);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = ([], 0);
        _room.Return();
        _room = default;
    }

    private async Task<int> FillAsync(HttpRequest request, BodyBudget budget, ConnectionPlace place, CancellationToken cancellation)
    {
        if (request.ContentLength > Gate.MaxBytes)
            return StatusCodes.Status413PayloadTooLarge;
        int limit = BodyBudget.FreeBytes;
        if (request.ContentLength > limit && !TryGrow(ref limit, (int)request.ContentLength.Value, budget, place))
            return StatusCodes.Status429TooManyRequests;
        while (true)
        {
            if (_length == limit)
            {
                // Only a body of unknown length gets here with more to come.
                if (limit > BodyBudget.FreeBytes || request.ContentLength is not null)
                    return await HasEndedAsync(request, cancellation) ? 0 : StatusCodes.Status413PayloadTooLarge;
                if (!TryGrow(ref limit, Gate.MaxBytes, budget, place))
                    return StatusCodes.Status429TooManyRequests;
            }
            int read = await request.Body.ReadAsync(_buffer.AsMemory(_length, limit - _length), cancellation);
            if (read == 0)
                return 0;
            _length += read;
        }
    }

    private static async Task<bool> HasEndedAsync(HttpRequest request, CancellationToken cancellation) =>
        await request.Body.ReadAsync(new byte[1], cancellation) == 0;

    private bool TryGrow(ref int limit, int bytes, BodyBudget budget, ConnectionPlace place)
    {
        if (!budget.TryTake(place, bytes, out BodyRoom room))
            return false;
        _room = room;
        byte[] larger = ArrayPool<byte>.Shared.Rent(bytes);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, limit) = (larger, bytes);
        return true;
    }
}
