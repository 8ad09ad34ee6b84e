using System.Buffers.Binary;

namespace ZeroOS.Tests.Fuzz;

/// <summary>An entry point that plays a whole life of a model from one seed: the input is the seed, four bytes.</summary>
internal sealed class SeedEntry(string name, Action<int> run) : FuzzEntry(name)
{
    public override byte[] Next(Random random)
    {
        byte[] seed = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(seed, random.Next());
        return seed;
    }

    public override bool Play(byte[] input)
    {
        run(BinaryPrimitives.ReadInt32LittleEndian(input));
        return true;
    }
}
