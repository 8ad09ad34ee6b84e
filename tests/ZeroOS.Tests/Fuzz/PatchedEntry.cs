using System.Buffers.Binary;

namespace ZeroOS.Tests.Fuzz;

/// <summary>A reader of something large: an input is a list of changes to one sample, each an offset of four bytes and a byte.</summary>
/// <param name="name">Names it.</param>
/// <param name="sample">What is changed; not written to.</param>
/// <param name="places">Where a byte matters.</param>
/// <param name="read">True when the changed sample was taken, false when it was refused.</param>
internal sealed class PatchedEntry(string name, Func<byte[]> sample, IReadOnlyList<(long From, int Length)> places,
    Func<PatchedMedium, bool> read) : FuzzEntry(name)
{
    private const int ChangeBytes = sizeof(uint) + 1;
    private byte[]? _sample;

    public override bool MustTakeSome => true;

    public override byte[] Next(Random random)
    {
        byte[] changes = new byte[ChangeBytes * random.Next(1, 8)];
        for (int at = 0; at < changes.Length; at += ChangeBytes)
        {
            (long from, int length) = places[random.Next(places.Count)];
            BinaryPrimitives.WriteUInt32LittleEndian(changes.AsSpan(at), (uint)(from + random.Next(length)));
            changes[at + sizeof(uint)] = random.Next(4) == 0 ? (byte)(0xFF * random.Next(2)) : (byte)random.Next(256);
        }
        return changes;
    }

    public override bool Play(byte[] input)
    {
        PatchedMedium medium = new(_sample ??= sample());
        for (int at = 0; at + ChangeBytes <= input.Length; at += ChangeBytes)
            medium.Set(BinaryPrimitives.ReadUInt32LittleEndian(input.AsSpan(at)), input[at + sizeof(uint)]);
        return read(medium);
    }
}
