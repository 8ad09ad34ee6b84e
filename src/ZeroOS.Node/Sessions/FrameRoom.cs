using System.Buffers;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// Room for the long frames of one direction of a session, out of the node's. Only one whose long frame is on its way holds any. For one caller.
/// </summary>
/// <param name="share">Whose part of the node's.</param>
/// <param name="buffer">What this direction reads.</param>
/// <param name="copies">How often a frame is in memory: 1 as it came, 2 if it is copied on its way.</param>
internal sealed class FrameRoom(FrameShare share, FrameBuffer buffer, int copies)
{
    private bool _held;

    /// <summary>Before a read: takes room for a long frame, and waits for it, or gives back what the last one needed.</summary>
    /// <exception cref="OperationCanceledException">The session is over.</exception>
    public async ValueTask PrepareAsync(CancellationToken cancellation)
    {
        if (_held && buffer.TakeBack() is { } bytes)
        {
            GiveBack(bytes);
        }
        else if (!_held && buffer.WantsRoom)
        {
            await share.Memory.TakeAsync(share.Key, share.IsOwner, copies, cancellation).ConfigureAwait(false);
            _held = true;
            buffer.Lend(share.Memory.Rent());
        }
    }

    /// <summary>Bytes for a copy of the frame that was taken last, at least so many; <see cref="Return"/> them before the next read.</summary>
    public byte[] Rent(int bytes) => _held ? share.Memory.Rent() : ArrayPool<byte>.Shared.Rent(bytes);

    /// <summary>The copy went on.</summary>
    public void Return(byte[] copy)
    {
        if (copy.Length == FrameMemory.PieceBytes)
            share.Memory.Return(copy);
        else
            ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>The direction is at rest for ever.</summary>
    public void Leave()
    {
        if (_held && buffer.Abandon() is { } bytes)
            GiveBack(bytes);
    }

    private void GiveBack(byte[] bytes)
    {
        _held = false;
        share.Memory.Return(bytes);
        share.Memory.Give(share.Key, copies);
    }
}

/// <summary>The part of the node's memory for long frames that one key has.</summary>
/// <param name="Memory">The node's.</param>
/// <param name="Key">Who is charged.</param>
/// <param name="IsOwner">Whether that is an owner.</param>
internal readonly record struct FrameShare(FrameMemory Memory, string Key, bool IsOwner);
