using Microsoft.Win32.SafeHandles;

using ZeroOS.Formats.Streams;

namespace ZeroOS.Formats.Zstd;

/// <summary>
/// Reads plain bytes out of a stream of zstd frames: several frames and skippable ones included, windows up to 128 MiB (layers of OCI images).
/// </summary>
public sealed unsafe class ZstdReadStream : ReadableStream
{
    private const int MaxWindowLog = 27;
    private readonly Stream _stored;
    private readonly Context _context = new();
    private readonly byte[] _input = new byte[128 * 1024];
    private int _position, _filled;
    private bool _insideFrame;

    /// <summary>Reads from <paramref name="stored"/>, which it closes.</summary>
    public ZstdReadStream(Stream stored) => _stored = stored;

    /// <summary>Reads plain bytes; 0 at the end of the last frame.</summary>
    /// <exception cref="InvalidDataException">The bytes are not zstd, or end inside a frame.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            if (_position == _filled)
            {
                _filled = _stored.Read(_input);
                _position = 0;
                if (_filled == 0 && !_insideFrame)
                    return 0;
            }
            // With no input left zstd may still hold output of the frame it is in.
            bool ended = _filled == 0;
            int written = Step(buffer);
            if (written > 0)
                return written;
            if (ended)
                throw new InvalidDataException("The zstd stream ends inside a frame.");
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _context.Dispose();
            _stored.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Step(Span<byte> buffer)
    {
        // SAFETY: both buffers are pinned for the call; zstd moves pos within the sizes it is given.
        fixed (byte* source = _input, destination = buffer)
        {
            LibZstd.ZSTD_inBuffer input = new() { src = source, size = (nuint)_filled, pos = (nuint)_position };
            LibZstd.ZSTD_outBuffer output = new() { dst = destination, size = (nuint)buffer.Length };
            nuint code = LibZstd.ZSTD_decompressStream(_context.DangerousGetHandle(), &output, &input);
            if (ZstdLibrary.Failed(code))
                throw new InvalidDataException($"The zstd stream is damaged: {ZstdLibrary.Reason(code)}.");
            _position = (int)input.pos;
            _insideFrame = code != 0;
            return (int)output.pos;
        }
    }

    private sealed class Context : SafeHandleZeroOrMinusOneIsInvalid
    {
        public Context() : base(ownsHandle: true)
        {
            SetHandle(LibZstd.ZSTD_createDCtx());
            if (IsInvalid || ZstdLibrary.Failed(LibZstd.ZSTD_DCtx_setParameter(handle, LibZstd.ZSTD_d_windowLogMax, MaxWindowLog)))
                throw new InvalidOperationException("zstd could not make a decompressor.");
        }

        protected override bool ReleaseHandle() => !ZstdLibrary.Failed(LibZstd.ZSTD_freeDCtx(handle));
    }
}
