using System.Diagnostics.CodeAnalysis;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// Connections by where they come from: a tree of networks, each of which holds at most an eighth of what is above it, so that nobody fills it from one place.
/// When there is no room, a random idle connection of the fullest network goes. Belongs to its owner's lock.
/// </summary>
internal sealed class OriginTree(int capacity, Random random)
{
    /// <summary>A network has at most one in this many of the places of the one around it, and at least one.</summary>
    internal const int Share = 8;

    private readonly Branch _root = new();

    /// <summary>Connections in it.</summary>
    public int Count => _root.Count;

    /// <summary>All connections in it.</summary>
    public IEnumerable<ConnectionPlace> All => _root.All;

    /// <summary>
    /// Takes a connection in. False: there is no room and nobody who could go. Otherwise <paramref name="victim"/> went for it, if there had to be one.
    /// </summary>
    public bool TryAdd(ConnectionPlace place, out ConnectionPlace? victim)
    {
        victim = null;
        if (FirstFull(place.Origin) is Branch full)
        {
            if (!full.TryFindVictim(random, out victim))
                return false;
            Remove(victim);
        }
        Branch branch = _root;
        branch.Count++;
        for (int level = 0; level < place.Origin.Levels; level++)
        {
            branch = branch.Child(place.Origin.Branch(level));
            branch.Count++;
        }
        place.Index = branch.Places.Count;
        branch.Places.Add(place);
        return true;
    }

    /// <summary>Takes a connection out.</summary>
    public void Remove(ConnectionPlace place)
    {
        Branch[] path = new Branch[Origin.MaxLevels + 1];
        path[0] = _root;
        int levels = place.Origin.Levels;
        for (int level = 0; level < levels; level++)
            path[level + 1] = path[level].Children[place.Origin.Branch(level)];
        List<ConnectionPlace> places = path[levels].Places;
        places[place.Index] = places[^1];
        places[place.Index].Index = place.Index;
        places.RemoveAt(places.Count - 1);
        for (int level = levels; level >= 0; level--)
        {
            if (--path[level].Count == 0 && level > 0)
                path[level - 1].Children.Remove(place.Origin.Branch(level - 1));
        }
    }

    private Branch? FirstFull(Origin origin)
    {
        Branch branch = _root;
        int limit = capacity;
        for (int level = 0; ; level++)
        {
            if (branch.Count >= limit)
                return branch;
            if (level == origin.Levels || !branch.Children.TryGetValue(origin.Branch(level), out Branch? child))
                return null;
            branch = child;
            limit = Math.Max(limit / Share, 1);
        }
    }

    private sealed class Branch
    {
        public int Count { get; set; }

        public Dictionary<UInt128, Branch> Children { get; } = [];

        public List<ConnectionPlace> Places { get; } = [];

        public IEnumerable<ConnectionPlace> All => Children.Count == 0 ? Places : Children.Values.SelectMany(c => c.All);

        public Branch Child(UInt128 network)
        {
            if (!Children.TryGetValue(network, out Branch? child))
                Children[network] = child = new Branch();
            return child;
        }

        /// <summary>A random connection of the fullest network that is not being answered; networks whose connections all are, are passed over.</summary>
        public bool TryFindVictim(Random random, [NotNullWhen(true)] out ConnectionPlace? victim)
        {
            victim = null;
            int first = Places.Count == 0 ? 0 : random.Next(Places.Count);
            for (int i = 0; i < Places.Count && victim is null; i++)
            {
                ConnectionPlace place = Places[(first + i) % Places.Count];
                victim = place.Busy ? null : place;
            }
            if (victim is not null)
                return true;
            Branch? fullest = Children.Values.MaxBy(c => c.Count);
            if (fullest is null || fullest.TryFindVictim(random, out victim))
                return victim is not null;
            foreach (Branch child in Children.Values)
            {
                if (child != fullest && child.TryFindVictim(random, out victim))
                    return true;
            }
            return false;
        }
    }
}
