using System.Buffers;

using Microsoft.AspNetCore.Http;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>A whole body, or the status of a refusal. What is over <see cref="BodyBudget.FreeBytes"/> is held only with the budget's leave.</summary>
internal sealed class RequestBody : IDisposable
{
    private static readonly TimeSpan s_smallWithin = TimeSpan.FromSeconds(10), s_largeWithin = TimeSpan.FromSeconds(15);

    private byte[] _buffer;
    private BodyRoom _room;
    private int _length;

    private RequestBody() => _buffer = ArrayPool<byte>.Shared.Rent(BodyBudget.FreeBytes);

    /// <summary>0, or the status of a refusal.</summary>
    public int Status { get; private set; }

    /// <summary>The bytes, valid until this is disposed.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads the body to its end: within 15 seconds, or 10 if it is not known to be over <see cref="BodyBudget.FreeBytes"/>.</summary>
    /// <exception cref="OperationCanceledException">The deadline passed.</exception>
    public static async Task<RequestBody> ReadAsync(BodySource source, BodyBudget budget, ConnectionPlace place, CancellationToken cancellation)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(source.Length > BodyBudget.FreeBytes ? s_largeWithin : s_smallWithin);
        RequestBody body = new();
        try
        {
            body.Status = await body.FillAsync(source, budget, place, deadline.Token);
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

    private async Task<int> FillAsync(BodySource source, BodyBudget budget, ConnectionPlace place, CancellationToken cancellation)
    {
        if (source.Length > Gate.MaxBytes)
            return StatusCodes.Status413PayloadTooLarge;
        int limit = BodyBudget.FreeBytes;
        if (source.Length > limit && !TryGrow(ref limit, (int)source.Length.Value, budget, place))
            return StatusCodes.Status429TooManyRequests;
        while (true)
        {
            if (_length == limit)
            {
                // Only a body of unknown length gets here with more to come.
                if (limit > BodyBudget.FreeBytes || source.Length is not null)
                    return await HasEndedAsync(source, cancellation) ? 0 : StatusCodes.Status413PayloadTooLarge;
                if (!TryGrow(ref limit, Gate.MaxBytes, budget, place))
                    return StatusCodes.Status429TooManyRequests;
            }
            int read = await source.ReadAsync(_buffer.AsMemory(_length, limit - _length), cancellation);
            if (read == 0)
                return 0;
            _length += read;
        }
    }

    private static async Task<bool> HasEndedAsync(BodySource source, CancellationToken cancellation) =>
        await source.ReadAsync(new byte[1], cancellation) == 0;

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
